"""`swebench-tui doctor`: what is installed, configured and reachable. Never shows a key."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click
import msgspec

from swebench_providers import get_registry
from swebench_providers.connection import ConnectionReport, check
from swebench_providers.discovery import Found
from swebench_providers.embedded.process import missing
from swebench_tui import __version__, paths
from swebench_tui.printable import one_line
from swebench_tui.settings.readiness import Readiness, readiness

_PACKAGES: Final = ("textual", "httpx", "httpx-aiohttp", "msgspec", "genai-prices", "tiktoken", "xllamacpp")


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All that is looked at. `servers` answer on this machine; `reachable` holds the tests asked for."""

    version: str
    python: str
    system: str
    packages: dict[str, str | None]
    git: str | None
    repositories: str
    embedded: str
    providers: list[Readiness]
    servers: list[Found]
    reachable: list[ConnectionReport]


@click.command("doctor", epilog="Example: swebench-tui doctor --ask ollama --json")
@click.option("--ask", "asked", multiple=True, metavar="P", help="Test this provider too (costs a few tokens).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, asked: tuple[str, ...], as_json: bool) -> None:
    """Say what is installed, configured, found on this machine, and whether those named with --ask answer.

    Exit status 1 when something that was asked for does not work.
    """
    health = asyncio.run(_examine(asked))
    click.echo(msgspec.json.encode(health) if as_json else "\n".join(_lines(health)))
    if not all(report.ok for report in health.reachable):
        click.get_current_context().exit(1)


async def _examine(asked: tuple[str, ...]) -> Health:
    registry = get_registry()
    try:
        servers = await registry.discover()
        reports = await asyncio.gather(*(check(registry.get_provider(name)) for name in asked))
    finally:
        await registry.aclose()
    return Health(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages={name: _version(name) for name in _PACKAGES},
        git=shutil.which("git"),
        repositories=str(paths.repositories()),
        embedded=missing() or "ready",
        providers=[readiness(registry, name) for name in registry.list_providers()],
        servers=servers,
        reachable=list(reports),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _lines(health: Health) -> list[str]:
    lines = [
        f"swebench-tui    {health.version}",
        f"Python          {health.python} ({sys.executable}), {health.system}",
        f"git             {health.git or 'not found: patches cannot be checked; install git'}",
        f"repositories    {health.repositories}",
        f"embedded model  {health.embedded}",
        *(f"{name:<15} {installed or 'not installed'}" for name, installed in health.packages.items()),
        "",
        *(f"{'✓' if found.ready else '·'} {found.name:<14} {found.to_do or 'ready'}" for found in health.providers),
    ]
    for server in health.servers:
        models = ", ".join(map(one_line, server.models[:3])) or ("needs a key" if server.needs_key else "no model")
        lines.append(f"✓ found {server.name} at {server.base_url}: {models}")
    for report in health.reachable:
        words = "answered" if report.ok else f"{report.verdict.replace('_', ' ')}: {one_line(report.message)}"
        lines.append(f"{'✓' if report.ok else '✗'} {report.provider}: {words} ({report.latency_ms:.0f} ms)")
        if report.hint:
            lines.append(f"  → {one_line(report.hint)}")
    return lines
