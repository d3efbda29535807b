"""The report of `swebench-tui doctor`: its data, which `--json` prints, and its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from swebench_providers.connection_test import ConnectionReport
from swebench_providers.embedded.process import INSTALL_COMMAND
from swebench_providers.pricing import price_list
from swebench_providers.servers.discovery import USUAL_PORTS, FoundServer
from swebench_providers.servers.recognition import COMPATIBLE
from swebench_tui.cli.terminal import Terminal
from swebench_tui.settings.providers import Readiness
from swebench_tui.settings.secrets.store import KeyringStatus
from swebench_tui.terminal_text import one_line

RUNTIME: Final = "xllamacpp"
"""The package that runs the embedded model."""

_MIN_SIZE: Final = (80, 24)  # columns, rows
_ASCII: Final = str.maketrans({"✓": "+", "·": "-", "✗": "x", "→": ">"})  # for encodings without these glyphs
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """The embedded model. `missing` is what keeps it from running, "" when it can run."""

    runtime: str | None
    weights: str | None
    missing: str


class SettingsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The settings files (whether each exists), their problems as (message, hint), and where keys are stored."""

    files: dict[str, bool]
    problems: list[tuple[str, str]]
    keep_in: str | None
    keyring: KeyringStatus


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. `servers` were found on this machine; `reachable` are the tests requested by --ask."""

    version: str
    python: str
    executable: str
    system: str
    packages: dict[str, str | None]
    price_list: price_list.Source
    git: str | None
    folders: dict[str, str]
    fetched: str
    terminal: Terminal
    embedded: Embedded
    settings: SettingsHealth
    providers: list[Readiness]
    servers: list[FoundServer]
    reachable: list[ConnectionReport]


def render(health: Health) -> str:
    """The sections that are not empty, under their titles, in characters that the terminal has."""
    sections = {title: section(health) for title, section in _SECTIONS.items()}
    text = "\n\n".join("\n".join((title, *lines)) for title, lines in sections.items() if lines)
    if health.terminal.unicode:
        return text
    encoding = health.terminal.encoding
    return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)


def _program(health: Health) -> list[str]:
    return [
        _row("swebench-tui", health.version),
        _row("Python", f"{health.python}, {health.executable}"),
        _row("system", health.system),
        _row("git", health.git or "not found: install git to check patches"),
        *(_row(name, installed or "not installed") for name, installed in health.packages.items()),
        _row("price list", f"{health.price_list.package} {health.price_list.version}, {health.price_list.retrieved}"),
    ]


def _folder_lines(health: Health) -> list[str]:
    notes = {"repositories": f" ({health.fetched})"}
    return [_row(name, f"{folder}{notes.get(name, '')}") for name, folder in health.folders.items()]


def _terminal(health: Health) -> list[str]:
    terminal = health.terminal
    size = "not a terminal"
    if terminal.columns is not None and terminal.rows is not None:
        small = terminal.columns < _MIN_SIZE[0] or terminal.rows < _MIN_SIZE[1]
        wanted = f"; the app needs {_MIN_SIZE[0]}x{_MIN_SIZE[1]}" if small else ""
        size = f"{terminal.columns} columns, {terminal.rows} rows{wanted}"
    encoding = (
        terminal.encoding if terminal.unicode else f"{terminal.encoding}; set a UTF-8 locale, such as LANG=C.UTF-8"
    )
    return [
        _row("size", size),
        _row("colours", f"{terminal.colours} ({one_line(terminal.because)})"),
        _row("encoding", encoding),
    ]


def _embedded_lines(health: Health) -> list[str]:
    embedded = health.embedded
    return [
        _row("runtime", f"{RUNTIME} {embedded.runtime or 'not installed'}"),
        _row("weights", embedded.weights or "not installed"),
        _row("state", f"{embedded.missing}; run: {INSTALL_COMMAND}" if embedded.missing else "ready"),
    ]


def _settings_lines(health: Health) -> list[str]:
    settings = health.settings
    works = f"not available: {one_line(settings.keyring.problem)}" if settings.keyring.problem else "available"
    lines = [_row("file", f"{path}{'' if exists else ' (missing)'}") for path, exists in settings.files.items()]
    for message, hint in settings.problems:
        lines += [_row("✗ problem", one_line(message)), _row("", f"→ {one_line(hint)}")]
    return [
        *lines,
        _row("keyring", f"{one_line(settings.keyring.name)}: {works}"),
        _row("new keys", f"stored in the {settings.keep_in}" if settings.keep_in else "storage not chosen yet"),
    ]


def _providers(health: Health) -> list[str]:
    lines = []
    for provider in health.providers:
        key = f"({provider.key_source})" if provider.key_source else ""
        state = _server_state(provider, health.servers) if provider.local else ""
        details = [provider.to_do] if provider.to_do else [provider.base_url or "on this machine", key, state]
        glyph = "✓" if provider.ready and state in {"", "running"} else "·"
        lines.append(_row(f"{glyph} {provider.name}", "  ".join(filter(None, details))))
    return lines


def _server_state(provider: Readiness, servers: list[FoundServer]) -> str:
    """Whether the server of a local provider was found on the default ports; "" for the embedded model."""
    if provider.embedded:
        return ""
    address = urlsplit(provider.base_url or "")
    if address.hostname not in _LOOPBACK or address.port not in USUAL_PORTS:
        return "not checked"
    found = next((server for server in servers if urlsplit(server.base_url).port == address.port), None)
    if found is None:
        return "not running"
    return "running" if found.kind in {provider.name, COMPATIBLE} else f"{found.name} is running there"


def _servers(health: Health) -> list[str]:
    if not health.servers:
        return ["  none on the default ports"]
    lines = []
    for server in health.servers:
        models = ", ".join(map(one_line, server.models[:3])) or (
            "needs an API key" if server.needs_key else "no models"
        )
        lines.append(_row(f"✓ {server.name}", f"{server.base_url}  {one_line(server.version)}  {models}"))
    return lines


def _tests(health: Health) -> list[str]:
    lines = []
    for report in health.reachable:
        outcome = "responded" if report.ok else f"{report.verdict.replace('_', ' ')}: {one_line(report.message)}"
        lines.append(_row(f"{'✓' if report.ok else '✗'} {report.provider}", f"{outcome} ({report.latency_ms:.0f} ms)"))
        if report.hint:
            lines.append(_row("", f"→ {one_line(report.hint)}"))
    return lines


def _row(name: str, text: str) -> str:
    return f"  {name:<16}{text}".rstrip()


_SECTIONS: Final[dict[str, Callable[[Health], list[str]]]] = {
    "Program": _program,
    "Folders": _folder_lines,
    "Terminal": _terminal,
    "Embedded model": _embedded_lines,
    "Settings and keys": _settings_lines,
    "Providers": _providers,
    "Servers on this machine": _servers,
    "Connection tests": _tests,
}
