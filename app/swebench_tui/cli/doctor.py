"""`swebench-tui doctor`: what is installed, configured and reachable. Shows no key."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click
from platformdirs import user_cache_path, user_config_path, user_data_path

from swebench_providers import TimeLimits
from swebench_providers.embedded import weights
from swebench_providers.embedded.process import missing
from swebench_providers.pricing import price_list
from swebench_tui import __version__, paths
from swebench_tui.bench.repositories.cache import list_clones
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.doctor_report import RUNTIME, Embedded, Health, SettingsHealth, render
from swebench_tui.cli.failure import failing
from swebench_tui.cli.terminal import examine
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.providers import check_provider, list_providers
from swebench_tui.services.repositories import format_size, repositories_folder
from swebench_tui.settings import prices_file
from swebench_tui.settings.atomic_file import why_missing
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.settings.secrets.store import KeyringStatus
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text

_PACKAGES: Final = ("textual", "httpx", "httpx-aiohttp", "msgspec", "tiktoken", "google-auth")
_TIME_LIMITS: Final = TimeLimits(connect=3.0, first_token=30.0, idle=30.0)
_EXAMPLES: Final = """\b
Examples:
  swebench-tui doctor
  swebench-tui doctor --ask ollama --json"""


@click.command("doctor", epilog=_EXAMPLES)
@click.option(
    "--ask",
    "tested",
    multiple=True,
    metavar="P",
    shell_complete=provider_names,
    help="Also test this provider (costs a few tokens). May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, tested: tuple[str, ...], as_json: bool) -> None:
    """Show what is installed, configured and running on this machine; with --ask, also test providers.

    Takes up to 3 seconds, plus the time of the tests. Exit status 1 when a test fails.
    """
    with failing():
        health = asyncio.run(_examine(tested))
    click.echo(json_text(health) if as_json else render(health))
    if not all(report.ok for report in health.reachable):
        click.get_current_context().exit(1)


async def _examine(tested: tuple[str, ...]) -> Health:
    workspace = open_workspace()
    registry = workspace.registry
    for name in tested:
        registry.spec(name)  # raises for an unknown name before anything is sent
    async with CommandAccess(workspace, time_limits=_TIME_LIMITS) as access:
        keyring, servers, results = await asyncio.gather(
            asyncio.to_thread(workspace.keys.keyring_status),
            registry.discover(),
            asyncio.gather(*(check_provider(access, name, count_models=False) for name in tested)),
        )
        entries = await asyncio.to_thread(list_providers, access)
    return Health(
        version=__version__,
        python=platform.python_version(),
        executable=sys.executable,
        system=f"{platform.system()} {platform.machine()}",
        packages={name: _version(name) for name in _PACKAGES},
        price_list=price_list.source(),
        git=shutil.which("git"),
        folders=_folders(workspace),
        fetched=await asyncio.to_thread(_fetched, workspace),
        terminal=examine(os.environ, encoding=_encoding(), size=_size()),
        embedded=_embedded(),
        settings=_settings(workspace, keyring),
        providers=[entry.readiness for entry in entries],
        servers=servers,
        reachable=[result.report for result in results],
    )


def _settings(workspace: Workspace, keyring: KeyringStatus) -> SettingsHealth:
    return SettingsHealth(
        files={
            str(path): not why_missing(path)
            for path in (workspace.user_file, workspace.project_file)
            if path is not None
        },
        problems=[(str(problem), problem.hint) for problem in workspace.problems] + _price_problems(workspace),
        keep_in=workspace.settings.secrets.keep_in,
        keyring=keyring,
    )


def _price_problems(workspace: Workspace) -> list[tuple[str, str]]:
    try:
        prices_file.apply(paths.prices(), workspace.registry)
    except PricesError as error:
        return [(str(error), error.hint)]
    return []


def _folders(workspace: Workspace) -> dict[str, str]:
    """The folders of the program; a missing one is created when it is needed."""
    return {
        "config": str(user_config_path("swebench-tui")),
        "data": str(user_data_path("swebench-tui")),
        "cache": str(user_cache_path("swebench-tui")),
        "repositories": str(repositories_folder(workspace.settings)),
    }


def _fetched(workspace: Workspace) -> str:
    clones = list_clones(repositories_folder(workspace.settings))
    return f"{len(clones)} fetched, {format_size(sum(clone.size for clone in clones))}" if clones else "none fetched"


def _size() -> tuple[int, int] | None:
    return shutil.get_terminal_size() if sys.stdout and sys.stdout.isatty() else None


def _encoding() -> str:
    """The encoding of standard output, which may be closed (`>&-`)."""
    return sys.stdout.encoding if sys.stdout else "utf-8"


def _embedded() -> Embedded:
    found = weights.find()
    return Embedded(runtime=_version(RUNTIME), weights=str(found) if found else None, missing=missing() or "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
