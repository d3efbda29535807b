"""The Providers screen: which there are, and what each one lacks."""

from __future__ import annotations

import asyncio

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from swebench_tui.printable import one_line
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.readiness import Readiness, readiness
from swebench_tui.settings.setup import Setup
from swebench_tui.tui.screens.main_screen import MainScreen

_NAME_WIDTH = 14


class ProvidersScreen(MainScreen):
    """One row for each provider: nothing is sent."""

    MODE = "providers"
    HELP = """\
# Providers

Every provider this program knows, whether it is set up, and what is to do where it is not. Nothing is sent from here;
`swebench-tui provider test NAME` asks one.
"""

    def __init__(self, setup: Setup | None, engine: Engine) -> None:
        super().__init__()
        self._registry = engine.registry if setup is None else setup.registry

    def compose_body(self) -> ComposeResult:
        yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        self._fill()

    def on_screen_resume(self) -> None:
        self._fill()

    @work(exclusive=True)
    async def _fill(self) -> None:
        """Configuring reads files and, in the end, a keyring: never in the screen's own thread."""
        names = self._registry.list_providers()
        found = await asyncio.to_thread(lambda: [readiness(self._registry, name) for name in names])
        rows = self.query_one(OptionList)
        at = rows.highlighted
        rows.clear_options()
        rows.add_options([Option(_row(provider)) for provider in found])
        rows.highlighted = at


def _row(provider: Readiness) -> Content:
    name = f"{one_line(provider.name):<{_NAME_WIDTH}} "
    if not provider.ready:
        return Content.assemble(("– not ready   ", "$text-muted"), (name, "bold"), one_line(provider.to_do))
    where = provider.base_url or "on this machine"
    source = f" ({provider.key_source})" if provider.key_source else ""
    sign = (
        ("◌ if it runs  ", "$text-muted")
        if provider.local and not provider.embedded
        else ("✓ ready       ", "$text-success")
    )
    return Content.assemble(sign, (name, "bold"), one_line(f"{where}{source}"))
