"""The full-screen app: owns the engine, the theme, the keys and the modes; what a screen shows is its own business."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, runtime_checkable

from textual import on, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen

from swebench_providers import ProviderRegistry, get_registry
from swebench_tui import paths
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.settings import prices_file
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError, SetupError
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.settings.provider_config import rate_limits
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.terminal_text import one_line
from swebench_tui.tui import collector, crash_handling, signals
from swebench_tui.tui.bindings import description
from swebench_tui.tui.crash_handling import Choice, CrashHandlingApp
from swebench_tui.tui.lineup import default_lineup, lineup_of
from swebench_tui.tui.modes import MODES
from swebench_tui.tui.screens.compare.screen import CompareScreen
from swebench_tui.tui.widgets.too_small import MINIMUM

if TYPE_CHECKING:
    from swebench_providers.servers.discovery import FoundServer
    from swebench_tui.settings.workspace import Workspace
    from swebench_tui.tui.crash_report import CrashReport
    from swebench_tui.tui.screens.models.screen import ModelsScreen

_QUIT_WINDOW: Final = 2.0
_PROBLEM_SECONDS: Final = 30.0
_HERE: Final = Path(__file__).parent


@runtime_checkable
class HasScrubber(Protocol):
    """A workspace that can mask every key it has read so far in a text."""

    def scrub(self, text: str) -> str: ...


class SwebenchApp(CrashHandlingApp):
    """The main screens, and what they share. `workspace` is what the user has configured; None in tests without one."""

    TITLE = "swebench-tui"
    CSS_PATH = [_HERE / "app.tcss", _HERE / "screens" / "compare" / "compare.tcss"]  # noqa: RUF012 - App declares these three as they stand
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (MINIMUM.width, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-too-short"), (MINIMUM.height, "-short"), (30, "-tall")]  # noqa: RUF012
    DEFAULT_MODE = HOME_MODE = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit_twice", "quit (twice)", show=False, priority=True, id="app.quit"),
        Binding("question_mark", "toggle_help", "help", key_display="?", id="app.help"),
        Binding("f1", "toggle_help", "help", show=False, id="app.help_too"),
        Binding(
            "ctrl+p",
            "command_palette",
            "all commands",
            show=False,
            priority=True,
            tooltip="Find any command",
            id="app.palette",
        ),
        Binding("f2", "open_settings", "settings", show=False, id="app.settings"),
        Binding(
            "ctrl+z",
            "suspend_process",
            "to the shell",
            show=False,
            tooltip="To the shell; fg comes back",
            id="app.suspend",
        ),
        *(Binding(mode.key, f"mode('{mode.name}')", mode.title, show=False, id=f"mode.{mode.name}") for mode in MODES),
    ]

    spent_today: reactive[Decimal | None] = reactive(None)
    """USD, for the bar of modes. None until somebody counts it: nothing is shown then."""

    def __init__(
        self,
        registry: ProviderRegistry | None = None,
        *,
        workspace: Workspace | None = None,
        lineup: Sequence[Target] | None = None,
        problem: PricesError | None = None,
        discover: Callable[[], Awaitable[list[FoundServer]]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        wrong: list[SettingsError] = []
        if lineup is None:
            lineup, wrong = lineup_of(workspace.settings) if workspace else (default_lineup(), [])
        self._lineup = lineup
        self.workspace = workspace
        self.engine = Engine(
            registry or (workspace.registry if workspace else get_registry()),
            configs=workspace.providers.configs_with_keys if workspace else None,
            describe_config=workspace.providers.describe_config if workspace else None,
            limits=rate_limits(workspace.settings) if workspace else None,
            discover=discover,
            now=now,
        )
        self.now = now
        self._problems: list[tuple[str, str]] = []
        if problem is not None:
            self._problems.append(("prices.toml is not used", f"{problem} → {problem.hint}"))
        self._problems += [("A column is left out", f"{error} → {error.hint}") for error in wrong]
        self._quit_pressed_at = float("-inf")
        self._wizard_in: str | None = None
        self._compare: CompareScreen | None = None
        for mode in MODES:
            self.add_mode(mode.name, getattr(self, f"_{mode.name}_screen"))
        self._take_themes()
        self._kept_theme = self.theme

    @property
    def settings(self) -> Settings:
        """What the user has set."""
        return self.workspace.settings if self.workspace else Settings()

    @property
    def compare(self) -> CompareScreen:
        """The Compare screen, also while another mode is shown."""
        assert self._compare is not None  # noqa: S101 - it is the first screen
        return self._compare

    @property
    def home(self) -> Screen[None] | None:
        return self._compare

    def error_dialog(self, report: CrashReport) -> Screen[Choice]:
        from swebench_tui.tui.screens.unexpected import UnexpectedScreen  # noqa: PLC0415 - seldom needed

        return UnexpectedScreen(report, paths.data())

    def leave_mode(self, mode: str) -> None:
        self.switch_mode(self.HOME_MODE)
        self.remove_mode(mode)
        self.add_mode(mode, getattr(self, f"_{mode}_screen"))

    def scrub(self, text: str) -> str:
        workspace: object = self.workspace
        return workspace.scrub(text) if isinstance(workspace, HasScrubber) else text

    def _compare_screen(self) -> CompareScreen:
        self._compare = CompareScreen(self.engine, self._lineup, editor=lambda: self.settings.editor, now=self.now)
        return self._compare

    def _batch_screen(self) -> Screen[None]:
        from swebench_tui.tui.screens.not_built import BatchScreen  # noqa: PLC0415

        return BatchScreen()

    def _models_screen(self) -> Screen[None]:
        from swebench_tui.tui.screens.models.screen import ModelsScreen  # noqa: PLC0415

        return ModelsScreen(self.engine)

    def _providers_screen(self) -> Screen[None]:
        from swebench_tui.tui.screens.providers.screen import ProvidersScreen  # noqa: PLC0415

        return ProvidersScreen(self.workspace, self.engine, now=self.now)

    def _history_screen(self) -> Screen[None]:
        from swebench_tui.tui.screens.not_built import HistoryScreen  # noqa: PLC0415

        return HistoryScreen()

    def action_mode(self, name: str) -> None:
        """Go to a mode, and to the screen that was last open there."""
        self.switch_mode(name)

    async def on_models_screen_chosen(self, event: ModelsScreen.Chosen) -> None:
        """A model of the Models screen goes into Compare."""
        if await self.compare.add(event.target):
            self.notify(one_line(f"{event.target} is in Compare now (1)."), markup=False)

    def on_mount(self) -> None:
        self.handle_task_errors()
        if not self.is_headless:
            signals.on_termination(self.stop_by_signal)
        self._take_keymap()
        if self.workspace is not None:
            self._problems += [("In your settings", f"{error} → {error.hint}") for error in self.workspace.problems]
        self._tell(self._problems)
        if self.workspace is not None:
            self._begin(self.workspace)

    @on(Driver.SignalResume)
    def _back_from_the_shell(self) -> None:
        """Redraw everything after `fg`: Textual draws changes only."""
        self.refresh(layout=True)

    def _tell(self, problems: Sequence[tuple[str, str]]) -> None:
        for title, message in problems:
            self.notify(one_line(message), title=title, severity="error", timeout=_PROBLEM_SECONDS, markup=False)

    def _take_themes(self) -> None:
        """Load themes before the event loop runs: reading blocks nothing, and the first paint has the right colours."""
        folder, chosen = paths.config() / "themes", self.settings.appearance.theme
        if not chosen and not folder.is_dir():
            return
        from swebench_tui.tui import themes  # noqa: PLC0415 - few have themes of their own

        own, errors = themes.load(folder)
        for theme in own:
            self.register_theme(theme)
        self.theme, wrong = themes.choose(chosen, list(self.available_themes))
        errors += [wrong] if wrong else []
        self._problems += [("A theme is not used", f"{error} → {error.hint}") for error in errors]

    def _take_keymap(self) -> None:
        if not self.settings.keymap:
            self.set_keymap({})
            return
        from swebench_tui.tui import actions  # noqa: PLC0415 - imports every screen

        good, problems = actions.check(self.settings.keymap, actions.actions())
        self.set_keymap(good)
        self._problems += [("A key is not used", f"{problem.what} → {problem.hint}") for problem in problems]

    def watch_theme(self, theme: str) -> None:
        """Save a theme picked in the palette."""
        if self.is_running and self.workspace is not None and theme != self._kept_theme:
            self._kept_theme = theme
            self.run_worker(self._keep_theme(self.workspace, theme), group="theme", exclusive=True)

    async def _keep_theme(self, workspace: Workspace, theme: str) -> None:
        try:
            await asyncio.to_thread(workspace.change, ("appearance", "theme"), theme)
        except SetupError as error:
            message = one_line(f"{error} → {error.hint}")
            self.notify(message, title="Theme not saved", severity="error", markup=False)

    async def on_unmount(self) -> None:
        await asyncio.to_thread(self.engine.close)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Actions of the screen, then modes, theme, settings, setup, help and quit."""
        for key, active in screen.active_bindings.items():
            binding, node = active.binding, active.node
            if binding.id and active.enabled and not binding.id.startswith(("mode.", "app.", "dialog.")):
                run = self._command(binding.action, node)
                yield SystemCommand(description(type(node), binding), f"Key {key}", run)
        for mode in MODES:
            yield SystemCommand(f"Go to {mode.title}", f"Key {mode.key}", self._command(f"mode('{mode.name}')", self))
        yield SystemCommand("Theme", "Choose the colours; the choice is saved", self.action_change_theme)
        yield SystemCommand("Settings", "Every setting with its value and origin", self.action_open_settings)
        yield SystemCommand("Set up again", "Providers and keys, step by step", self.action_open_wizard)
        yield SystemCommand("Help", "Keys of the focused part", self.action_toggle_help)
        yield SystemCommand("Quit", "Stop everything and quit", self.action_quit)

    def _command(self, action: str, node: object) -> Callable[[], object]:
        async def run() -> None:
            await self.run_action(action, node)  # type: ignore[arg-type]

        return run

    def action_open_wizard(self) -> None:
        """Set up providers and keys step by step."""
        if self.workspace is None:
            self.notify("There are no settings to change here.", severity="warning")
        elif self._wizard_in is not None:
            self.switch_mode(self._wizard_in)
        else:
            self._set_up(self.workspace)

    @work(group="wizard")
    async def _set_up(self, workspace: Workspace) -> None:
        from swebench_tui.tui.screens import wizard  # noqa: PLC0415

        self._wizard_in = self.current_mode
        try:
            lineup, problems = await wizard.run_wizard(workspace, self.engine, self.push_screen_wait)
        finally:
            self._wizard_in = None
        for error in problems:
            message = one_line(f"{error} → {error.hint}")
            self.notify(message, title="Setup not fully saved", severity="error", markup=False)
        self.switch_mode("compare")
        if lineup and not await self.compare.take_lineup(lineup):
            self.notify("Columns with answers are kept. The new line-up applies after a restart. a: add a model")

    @work(group="wizard")
    async def _begin(self, workspace: Workspace) -> None:
        """Open the setup at the first start only: nothing is configured and no settings file exists."""
        if await asyncio.to_thread(_is_first_start, workspace):
            self.action_open_wizard()

    def action_open_settings(self) -> None:
        """Change settings."""
        if self.workspace is None:
            self.notify(f"Your settings are in {paths.config() / 'settings.toml'}", markup=False)
            return
        from swebench_tui.tui.screens.settings.screen import SettingsScreen  # noqa: PLC0415

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(SettingsScreen(self.workspace))
        elif not isinstance(self.screen, SettingsScreen):
            self.notify("Leave this dialog first; f2 opens the settings then.", severity="warning")

    def take_setting(self, path: SettingPath) -> bool:
        """Apply a changed setting at once if possible; False if it applies after a restart."""
        if path[:1] == ("keymap",):
            shown = len(self._problems)
            self._take_keymap()
            self._tell(self._problems[shown:])
        elif path == ("appearance", "theme"):
            from swebench_tui.tui import themes  # noqa: PLC0415

            theme, _ = themes.choose(self.settings.appearance.theme, list(self.available_themes))
            self._kept_theme = theme  # it is in the file already
            self.theme = theme
        elif path == ("compare", "lineup"):
            lineup, _ = lineup_of(self.settings)
            self.run_worker(self.compare.take_lineup(lineup), group="lineup", exclusive=True)
            return not self.compare.used
        return "rate_limits" not in path

    def action_quit_twice(self) -> None:
        """Quit on the second press; the first one warns, since the key is easily pressed for something else."""
        if self.now() - self._quit_pressed_at < _QUIT_WINDOW:
            self.exit()
            return
        self._quit_pressed_at = self.now()
        self.notify("Press ctrl+c again to quit.", timeout=_QUIT_WINDOW)

    def action_toggle_help(self) -> None:
        """Help for the focused part."""
        from swebench_tui.tui.screens.help import HelpScreen  # noqa: PLC0415

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpScreen(self.screen))


def _is_first_start(workspace: Workspace) -> bool:
    """Whether no settings file and no key exist."""
    if workspace.has_user_files:
        return False
    return not any(workspace.providers.readiness(name).key_source for name in workspace.registry.list_providers())


def run(workspace: Workspace | None = None) -> None:
    """Show the app until the user leaves it; ends the process, with status 1 after a fault."""
    sys.exit(crash_handling.run_reporting_crashes(lambda: _show(workspace)))


def _show(workspace: Workspace | None) -> CrashReport | None:
    registry = workspace.registry if workspace else get_registry()
    app = SwebenchApp(registry, workspace=workspace, problem=_own_prices(registry))
    collector.tune()
    threading.excepthook = app.thread_failed
    logging.getLogger().addHandler(logging.NullHandler())  # else what is logged while ending appears as noise
    app.run()
    if app.crash is None and app.return_code:
        sys.exit(app.return_code)
    return app.crash


def _own_prices(registry: ProviderRegistry) -> PricesError | None:
    """Apply the user's prices before the event loop runs. Returns the error that makes them unusable."""
    try:
        prices_file.apply(paths.prices(), registry)
    except PricesError as error:
        return error
    return None
