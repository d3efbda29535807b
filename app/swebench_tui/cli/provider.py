"""`swebench-tui provider`: which providers there are, how they are reached, and whether they answer."""

from __future__ import annotations

import asyncio
from textwrap import wrap
from typing import Final

import click
import msgspec

from swebench_providers import ProviderRegistry
from swebench_providers.connection_test import ConnectionReport
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.connection import asked_once
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.models import print_models
from swebench_tui.cli.provider_init import init, remove
from swebench_tui.settings.providers import Readiness
from swebench_tui.terminal_text import one_line, sanitize

_COLUMNS: Final = 80
_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider list
  swebench-tui provider init openai
  swebench-tui provider test ollama
  swebench-tui provider models openrouter --json"""


@click.group("provider", epilog=_EXAMPLES)
def command() -> None:
    """Providers: which there are, how they are reached, and whether they answer."""


command.add_command(init)
command.add_command(remove)


@command.command("list", epilog="Example: swebench-tui provider list --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_(*, as_json: bool) -> None:
    """Print every provider, and whether it is ready. Sends nothing."""
    workspace = open_workspace()
    found = [workspace.providers.readiness(name) for name in workspace.registry.list_providers()]
    if as_json:
        click.echo(msgspec.json.encode([_row(provider) for provider in found]))
        return
    width = max(len(provider.name) for provider in found)
    for provider in found:
        state = "not ready" if not provider.ready else "local" if provider.local and not provider.embedded else "ready"
        for line in _wrapped(f"{provider.name:<{width}}  {state:<9}  ", _beside(provider)):
            click.echo(line)


def _beside(provider: Readiness) -> str:
    """What is to do, else where it is, and where its key comes from."""
    if provider.to_do:
        return provider.to_do
    where = provider.base_url or "on this machine"
    return f"{where} ({provider.key_source.removeprefix('environment: ')})" if provider.key_source else where


def _wrapped(start: str, text: str) -> list[str]:
    """Lines of 80 columns, those that follow below the text of the first; what cannot be broken is longer."""
    beside = " " * len(start)
    return wrap(
        text, _COLUMNS, initial_indent=start, subsequent_indent=beside, break_long_words=False, break_on_hyphens=False
    )


@command.command(
    "test", short_help="Say whether a provider answers.", epilog="Example: swebench-tui provider test ollama --json"
)
@click.argument("name", shell_complete=provider_names)
@click.option("--model", default="", metavar="ID", help="Ask this model instead of the default one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(name: str, model: str, *, as_json: bool) -> None:
    """Ask provider NAME for a few tokens and say how long the first one took, or what is wrong.

    Exit status 1 when it did not answer.
    """
    with failing():
        report = asyncio.run(_check(open_workspace(spends=True).registry, name, model))
    if as_json:
        click.echo(msgspec.json.encode({"ok": report.ok, **msgspec.to_builtins(report)}))
        click.get_current_context().exit(0 if report.ok else 1)
    if not report.ok:
        raise Failed(f"{report.provider}: {report.verdict.replace('_', ' ')}: {report.message}", report.hint)
    took = report.latency_ms if report.ttft_ms is None else report.ttft_ms
    click.echo(f"{report.provider}: {one_line(report.model)} answered, first token after {took:.0f} ms")


@command.command(
    "models", short_help="List the models a provider has.", epilog="Example: swebench-tui provider models ollama --json"
)
@click.argument("name", shell_complete=provider_names)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def models(name: str, *, as_json: bool) -> None:
    """Ask provider NAME which models it has, with window, output limit and price where they are known."""
    with failing():
        print_models(open_workspace().registry, [name], search="", sort=None, as_json=as_json)


async def _check(registry: ProviderRegistry, name: str, model: str) -> ConnectionReport:
    try:
        return await asked_once(registry, name, model)
    finally:
        await registry.aclose()


def _row(provider: Readiness) -> dict[str, object]:
    return {
        "name": provider.name,
        "title": sanitize(provider.title),
        "configured": provider.ready,
        "key_source": provider.key_source,
        "base_url": provider.base_url,
        "models_known": 1 if provider.embedded else None,
        "breaker": None,
        "hint": provider.to_do,
    }
