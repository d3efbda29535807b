"""The full-screen app: owns the engine, the theme and the modes; what a screen shows is the screen's own business."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType

from swebench_providers import ProviderRegistry, get_registry
from swebench_tui import paths
from swebench_tui.printable import one_line
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.settings import prices_file
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.tui.lineup import default_lineup
from swebench_tui.tui.screens.compare import CompareScreen

_QUIT_WINDOW: Final = 2.0
_PROBLEM_SECONDS: Final = 30.0
_HERE: Final = Path(__file__).parent


class SwebenchApp(App[None]):
    """The program's screens, and what they share."""

    TITLE = "swebench-tui"
    CSS_PATH = [_HERE / "app.tcss", _HERE / "screens" / "compare.tcss"]  # noqa: RUF012 - App declares these three as they stand
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit_twice", "quit", show=False, priority=True, id="app.quit"),
        Binding("question_mark", "toggle_help", "help", key_display="?", id="app.help"),
    ]

    def __init__(
        self,
        registry: ProviderRegistry | None = None,
        *,
        lineup: Sequence[Target] | None = None,
        problem: PricesError | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._lineup = default_lineup() if lineup is None else lineup
        self.engine = Engine(registry or get_registry(), now=now)
        self.now = now
        self._problem = problem
        self._quit_asked = float("-inf")

    def get_default_screen(self) -> CompareScreen:
        return CompareScreen(self.engine, self._lineup, now=self.now)

    def on_mount(self) -> None:
        if self._problem is not None:
            self.notify(
                one_line(f"{self._problem} {self._problem.hint}"),
                title="Your own prices are not used",
                severity="error",
                timeout=_PROBLEM_SECONDS,
                markup=False,
            )

    async def on_unmount(self) -> None:
        await asyncio.to_thread(self.engine.close)

    def action_quit_twice(self) -> None:
        """The first press warns: it is too easily meant for something else."""
        if self.now() - self._quit_asked < _QUIT_WINDOW:
            self.exit()
            return
        self._quit_asked = self.now()
        self.notify("Press ctrl+c again to quit.", timeout=_QUIT_WINDOW)

    def action_toggle_help(self) -> None:
        """Help for what has the focus."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()


def run() -> None:
    """Show the app until the user leaves it."""
    registry = get_registry()
    app = SwebenchApp(registry, problem=_own_prices(registry))
    rest_the_collector()
    app.run()


def _own_prices(registry: ProviderRegistry) -> PricesError | None:
    """What is wrong with the user's prices. They are read before there is a loop that reading could hold up."""
    try:
        prices_file.apply(paths.prices(), registry)
    except PricesError as error:
        return error
    return None


def rest_the_collector() -> None:
    """Make the garbage collector look less often, and not at what is loaded by now, which stays to the end.

    A screen full of text is some 200,000 objects, nearly all of them freed without it. By Python's own settings it went
    through all of them every second while eight answers streamed in: a third of the CPU, and keys waited 0.3 s for it.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
