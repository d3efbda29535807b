"""`swebench-tui doctor`: what is installed, configured and reachable. Never shows a key."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlsplit

import click
import msgspec
from platformdirs import user_cache_path, user_config_path, user_data_path

from swebench_providers import TimeLimits
from swebench_providers.connection_test import ConnectionReport
from swebench_providers.embedded import weights
from swebench_providers.embedded.process import INSTALL_COMMAND, missing
from swebench_providers.pricing import price_list
from swebench_providers.servers.discovery import USUAL_PORTS, FoundServer
from swebench_providers.servers.recognition import COMPATIBLE
from swebench_tui import __version__, paths
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import failing
from swebench_tui.cli.terminal import Terminal, examine
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.providers import check_provider, list_providers
from swebench_tui.settings import prices_file
from swebench_tui.settings.atomic_file import why_missing
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.settings.providers import Readiness
from swebench_tui.settings.secrets.store import KeyringStatus
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line

_PACKAGES: Final = ("textual", "httpx", "httpx-aiohttp", "msgspec", "tiktoken", "google-auth")
_RUNTIME: Final = "xllamacpp"
_LEAST: Final = (80, 24)
_SIGNS: Final = str.maketrans({"✓": "+", "·": "-", "✗": "x", "→": ">"})  # for encodings that have none of them
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TIME_LIMITS: Final = TimeLimits(connect=3.0, first_token=30.0, idle=30.0)
_EXAMPLES: Final = """\b
Examples:
  swebench-tui doctor
  swebench-tui doctor --ask ollama --json"""


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """The model that comes with the program. `missing` says what keeps it from running, "" when nothing does."""

    runtime: str | None
    weights: str | None
    missing: str


class SettingsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The settings files, what could not be used of them, and where keys are kept. `problems` hold what and hint."""

    files: dict[str, bool]
    problems: list[tuple[str, str]]
    keep_in: str | None
    keyring: KeyringStatus


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All that is looked at. `servers` answer on this machine; `reachable` holds the tests asked for."""

    version: str
    python: str
    executable: str
    system: str
    packages: dict[str, str | None]
    price_list: price_list.Source
    git: str | None
    folders: dict[str, str]
    terminal: Terminal
    embedded: Embedded
    settings: SettingsHealth
    providers: list[Readiness]
    servers: list[FoundServer]
    reachable: list[ConnectionReport]


@click.command("doctor", epilog=_EXAMPLES)
@click.option(
    "--ask",
    "asked",
    multiple=True,
    metavar="P",
    shell_complete=provider_names,
    help="Test this provider too (costs a few tokens).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, asked: tuple[str, ...], as_json: bool) -> None:
    """Say what is installed, configured, found on this machine, and whether those named with --ask answer.

    Takes three seconds at most, and longer only for an answer that was asked for. Exit status 1 when it does not come.
    """
    with failing():
        health = asyncio.run(_examine(asked))
    click.echo(json_text(health) if as_json else _text(health))
    if not all(report.ok for report in health.reachable):
        click.get_current_context().exit(1)


async def _examine(asked: tuple[str, ...]) -> Health:
    workspace = open_workspace()
    registry = workspace.registry
    for name in asked:
        registry.spec(name)  # raises for an unknown name before anything is sent
    async with CommandAccess(workspace, time_limits=_TIME_LIMITS) as access:
        keyring, servers, results = await asyncio.gather(
            asyncio.to_thread(workspace.keys.keyring_status),
            registry.discover(),
            asyncio.gather(*(check_provider(access, name, count_models=False) for name in asked)),
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
        folders=_folders(),
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


def _folders() -> dict[str, str]:
    """Where the program keeps what; one that is not there yet is made when it is needed."""
    return {
        "config": str(user_config_path("swebench-tui")),
        "data": str(user_data_path("swebench-tui")),
        "cache": str(user_cache_path("swebench-tui")),
        "repositories": str(paths.repositories()),
    }


def _size() -> tuple[int, int] | None:
    return shutil.get_terminal_size() if sys.stdout and sys.stdout.isatty() else None


def _encoding() -> str:
    """Of standard output, which need not be there (`>&-`)."""
    return sys.stdout.encoding if sys.stdout else "utf-8"


def _embedded() -> Embedded:
    found = weights.find()
    return Embedded(runtime=_version(_RUNTIME), weights=str(found) if found else None, missing=missing() or "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _text(health: Health) -> str:
    """The sections that have anything to say, each under its title, in letters that the terminal has."""
    told = {title: section(health) for title, section in _SECTIONS.items()}
    text = "\n\n".join("\n".join((title, *lines)) for title, lines in told.items() if lines)
    if health.terminal.unicode:
        return text
    encoding = health.terminal.encoding
    return text.translate(_SIGNS).encode(encoding, "replace").decode(encoding)


def _program(health: Health) -> list[str]:
    return [
        _row("swebench-tui", health.version),
        _row("Python", f"{health.python}, {health.executable}"),
        _row("system", health.system),
        _row("git", health.git or "not found: patches cannot be checked; install git"),
        *(_row(name, installed or "not installed") for name, installed in health.packages.items()),
        _row("price list", f"{health.price_list.package} {health.price_list.version}, {health.price_list.retrieved}"),
    ]


def _folder_lines(health: Health) -> list[str]:
    return [_row(name, folder) for name, folder in health.folders.items()]


def _terminal(health: Health) -> list[str]:
    terminal = health.terminal
    size = "none: the output goes elsewhere"
    if terminal.columns is not None and terminal.rows is not None:
        small = terminal.columns < _LEAST[0] or terminal.rows < _LEAST[1]
        wanted = f"; the app wants {_LEAST[0]} and {_LEAST[1]}" if small else ""
        size = f"{terminal.columns} columns, {terminal.rows} rows{wanted}"
    letters = (
        terminal.encoding if terminal.unicode else f"{terminal.encoding}; set a UTF-8 locale, such as LANG=C.UTF-8"
    )
    return [
        _row("size", size),
        _row("colours", f"{terminal.colours} ({one_line(terminal.because)})"),
        _row("letters", letters),
    ]


def _embedded_lines(health: Health) -> list[str]:
    embedded = health.embedded
    return [
        _row("runtime", f"{_RUNTIME} {embedded.runtime or 'is not installed'}"),
        _row("weights", embedded.weights or "not here"),
        _row("state", f"{embedded.missing}; run: {INSTALL_COMMAND}" if embedded.missing else "ready"),
    ]


def _settings_lines(health: Health) -> list[str]:
    settings = health.settings
    works = f"cannot be used: {one_line(settings.keyring.problem)}" if settings.keyring.problem else "works"
    lines = [_row("file", f"{path}{'' if there else ' (not there)'}") for path, there in settings.files.items()]
    for what, hint in settings.problems:
        lines += [_row("✗ problem", one_line(what)), _row("", f"→ {one_line(hint)}")]
    return [
        *lines,
        _row("keyring", f"{one_line(settings.keyring.name)}: {works}"),
        _row("new keys", f"kept in the {settings.keep_in}" if settings.keep_in else "not chosen yet"),
    ]


def _providers(health: Health) -> list[str]:
    lines = []
    for provider in health.providers:
        key = f"({provider.key_source})" if provider.key_source else ""
        state = _heard_of(provider, health.servers) if provider.local else ""
        told = [provider.to_do] if provider.to_do else [provider.base_url or "on this machine", key, state]
        sign = "✓" if provider.ready and state in {"", "answers"} else "·"
        lines.append(_row(f"{sign} {provider.name}", "  ".join(filter(None, told))))
    return lines


def _heard_of(provider: Readiness, servers: list[FoundServer]) -> str:
    """What the look at this machine's usual ports says of a local provider; "" for the one that is no server yet."""
    if provider.embedded:
        return ""
    address = urlsplit(provider.base_url or "")
    if address.hostname not in _LOOPBACK or address.port not in USUAL_PORTS:
        return "not asked"
    there = next((server for server in servers if urlsplit(server.base_url).port == address.port), None)
    if there is None:
        return "does not answer"
    return "answers" if there.kind in {provider.name, COMPATIBLE} else f"{there.name} answers there"


def _servers(health: Health) -> list[str]:
    if not health.servers:
        return ["  none on the usual ports"]
    lines = []
    for server in health.servers:
        models = ", ".join(map(one_line, server.models[:3])) or ("needs a key" if server.needs_key else "no model")
        lines.append(_row(f"✓ {server.name}", f"{server.base_url}  {one_line(server.version)}  {models}"))
    return lines


def _tests(health: Health) -> list[str]:
    lines = []
    for report in health.reachable:
        words = "answered" if report.ok else f"{report.verdict.replace('_', ' ')}: {one_line(report.message)}"
        lines.append(_row(f"{'✓' if report.ok else '✗'} {report.provider}", f"{words} ({report.latency_ms:.0f} ms)"))
        if report.hint:
            lines.append(_row("", f"→ {one_line(report.hint)}"))
    return lines


def _row(name: str, what: str) -> str:
    return f"  {name:<16}{what}".rstrip()


_SECTIONS: Final[dict[str, Callable[[Health], list[str]]]] = {
    "Program": _program,
    "Folders": _folder_lines,
    "Terminal": _terminal,
    "Embedded model": _embedded_lines,
    "Settings and keys": _settings_lines,
    "Providers": _providers,
    "Servers on this machine": _servers,
    "Answers": _tests,
}
