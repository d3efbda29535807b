"""`swebench-tui provider`: list, set up, test and remove providers."""

from __future__ import annotations

import asyncio
from textwrap import wrap
from typing import Final

import click
import msgspec

from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.models import print_models
from swebench_tui.cli.provider_init import init
from swebench_tui.cli.provider_remove import remove
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.providers import ProviderEntry, TestResult, check_provider, list_providers, status
from swebench_tui.settings.providers import Readiness
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line, sanitize

_COLUMNS: Final = 80
_STATUS_WIDTH: Final = 13
_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider list
  swebench-tui provider init openai
  swebench-tui provider test ollama
  swebench-tui provider models openrouter --json"""


@click.group("provider", epilog=_EXAMPLES)
def command() -> None:
    """List, set up, test and remove providers."""


command.add_command(init)
command.add_command(remove)


@command.command("list", epilog="Example: swebench-tui provider list --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_(*, as_json: bool) -> None:
    """List all providers with status, address and key source. Sends no request."""
    entries = list_providers(CommandAccess(open_workspace()))
    if as_json:
        click.echo(json_text([_json_row(entry) for entry in entries]))
        return
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        start = f"{entry.name:<{width}}  {status(entry).label:<{_STATUS_WIDTH}}  "
        for line in _wrapped(start, _details(entry.readiness)):
            click.echo(line)


def _details(readiness: Readiness) -> str:
    """The next step of the setup, else address and key source."""
    if readiness.to_do:
        return readiness.to_do
    where = readiness.base_url or "on this machine"
    return f"{where} ({readiness.key_source.removeprefix('environment: ')})" if readiness.key_source else where


def _wrapped(start: str, text: str) -> list[str]:
    """Lines of 80 columns, the text indented below itself; a word longer than the column is not broken."""
    indent = " " * len(start)
    return wrap(
        text, _COLUMNS, initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


@command.command("test", short_help="Test a provider.", epilog="Example: swebench-tui provider test ollama --json")
@click.argument("name", shell_complete=provider_names)
@click.option("--model", default="", metavar="ID", help="Use this model instead of the default one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(name: str, model: str, *, as_json: bool) -> None:
    """Send a short request to provider NAME and print the time to the first token, or the error.

    Costs a few tokens. Exit status 1 when the test fails.
    """
    with failing():
        workspace = open_workspace(spends=True)
        workspace.registry.spec(name)  # raises for an unknown name
        result = asyncio.run(_test(workspace, name, model))
    report = result.report
    if as_json:
        click.echo(json_text({"ok": report.ok, **msgspec.to_builtins(report), "models": result.models}))
        click.get_current_context().exit(0 if report.ok else 1)
    if not report.ok:
        raise Failed(f"{report.provider}: {report.verdict.replace('_', ' ')}: {report.message}", report.hint)
    took = report.latency_ms if report.ttft_ms is None else report.ttft_ms
    listed = "" if result.models is None else f"; {result.models:,} models listed"
    click.echo(f"{report.provider}: {one_line(report.model)} responded, first token after {took:.0f} ms{listed}")


@command.command(
    "models", short_help="List the models of a provider.", epilog="Example: swebench-tui provider models ollama --json"
)
@click.argument("name", shell_complete=provider_names)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def models(name: str, *, as_json: bool) -> None:
    """List the models of provider NAME, with context window, output limit and price."""
    with failing():
        print_models(open_workspace(), [name], as_json=as_json)


async def _test(workspace: Workspace, name: str, model: str) -> TestResult:
    async with CommandAccess(workspace) as access:
        return await check_provider(access, name, model=model)


def _json_row(entry: ProviderEntry) -> dict[str, object]:
    readiness = entry.readiness
    return {
        "name": readiness.name,
        "title": sanitize(readiness.title),
        "configured": readiness.ready,
        "key_source": readiness.key_source,
        "base_url": readiness.base_url,
        "models_known": entry.models,
        "breaker": None,
        "hint": readiness.to_do,
    }
