"""The full-screen app: owns the engine, the theme, the keys and the modes; what a screen shows is its own business."""

from __future__ import annotations

import asyncio
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
from swebench_tui.settings.definitions import Settings
from swebench_tui.settings.errors import SettingsError, SetupError
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.settings.provider_config import rate_limits
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.terminal_text import one_line
from swebench_tui.tui import palette, preferences, signals
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
            "suspend",
            show=False,
            tooltip="Suspend; fg resumes",
            id="app.suspend",
        ),
        *(Binding(mode.key, f"mode('{mode.name}')", mode.title, show=False, id=f"mode.{mode.name}") for mode in MODES),
    ]

    spent_today: reactive[Decimal | None] = reactive(None)
    """In USD, for the mode bar. None is unknown and not shown."""

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
            self._problems.append(("Prices not used", f"{problem} → {problem.hint}"))
        self._problems += [("Column skipped", f"{error} → {error.hint}") for error in wrong]
        self._quit_pressed_at = float("-inf")
        self._wizard_mode: str | None = None
        self._compare: CompareScreen | None = None
        for mode in MODES:
            self.add_mode(mode.name, getattr(self, f"_{mode.name}_screen"))
        self._problems += preferences.load_themes(self, self.settings.appearance.theme)
        self._saved_theme = self.theme

    @property
    def settings(self) -> Settings:
        """The user's settings."""
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
        self._compare = CompareScreen(
            self.engine,
            self._lineup,
            settings=lambda: self.settings,
            now=self.now,
        )
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
        """Go to a mode."""
        self.switch_mode(name)

    async def on_models_screen_chosen(self, event: ModelsScreen.Chosen) -> None:
        """Add the chosen model to Compare."""
        if await self.compare.add(event.target):
            self.notify(one_line(f"Added {event.target} to Compare (1)."), markup=False)

    def on_mount(self) -> None:
        self.handle_task_errors()
        if not self.is_headless:
            signals.on_termination(self.stop_by_signal)
        self._problems += preferences.apply_keymap(self, self.settings.keymap)
        if self.workspace is not None:
            self._problems += [("Settings problem", f"{error} → {error.hint}") for error in self.workspace.problems]
        self._show_problems(self._problems)
        if self.workspace is not None:
            self._start_wizard_once(self.workspace)

    @on(Driver.SignalResume)
    def _redraw(self) -> None:
        """Draw everything after the shell did. Textual draws what changed, and does not know that all is gone."""
        self.refresh(layout=True)

    def _show_problems(self, problems: Sequence[tuple[str, str]]) -> None:
        for title, message in problems:
            self.notify(one_line(message), title=title, severity="error", timeout=_PROBLEM_SECONDS, markup=False)

    def watch_theme(self, theme: str) -> None:
        """Save a theme that was chosen in the palette."""
        if self.is_running and self.workspace is not None and theme != self._saved_theme:
            self._saved_theme = theme
            self.run_worker(self._save_theme(self.workspace, theme), group="theme", exclusive=True)

    async def _save_theme(self, workspace: Workspace, theme: str) -> None:
        try:
            await asyncio.to_thread(workspace.change, ("appearance", "theme"), theme)
        except SetupError as error:
            message = one_line(f"{error} → {error.hint}")
            self.notify(message, title="Theme not saved", severity="error", markup=False)

    async def on_unmount(self) -> None:
        await asyncio.to_thread(self.engine.close)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The commands of the palette."""
        return palette.commands(self, screen)

    def action_open_wizard(self) -> None:
        """Set up providers and keys step by step."""
        if self.workspace is None:
            self.notify("No settings to change.", severity="warning")
        elif self._wizard_mode is not None:
            self.switch_mode(self._wizard_mode)
        else:
            self._run_wizard(self.workspace)

    @work(group="wizard")
    async def _run_wizard(self, workspace: Workspace) -> None:
        from swebench_tui.tui.screens import wizard  # noqa: PLC0415

        self._wizard_mode = self.current_mode
        try:
            lineup, problems = await wizard.run_wizard(workspace, self.engine, self.push_screen_wait)
        finally:
            self._wizard_mode = None
        for error in problems:
            message = one_line(f"{error} → {error.hint}")
            self.notify(message, title="Some settings were not saved", severity="error", markup=False)
        self.switch_mode("compare")
        if lineup and not await self.compare.take_lineup(lineup):
            self.notify("Columns with an answer stay. The new line-up applies from the next start. a: add a model")

    @work(group="wizard")
    async def _start_wizard_once(self, workspace: Workspace) -> None:
        """Start the wizard if nothing is configured and it was never shown."""
        if await asyncio.to_thread(_is_first_start, workspace):
            self.action_open_wizard()

    def action_open_settings(self) -> None:
        """Change settings."""
        if self.workspace is None:
            self.notify(f"Settings file: {paths.config() / 'settings.toml'}", markup=False)
            return
        from swebench_tui.tui.screens.settings.screen import SettingsScreen  # noqa: PLC0415

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(SettingsScreen(self.workspace))
        elif not isinstance(self.screen, SettingsScreen):
            self.notify("Close this dialog first, then press f2.", severity="warning")

    def take_setting(self, path: SettingPath) -> bool:
        """Apply a changed setting if that is simple; False if it applies from the next start."""
        if path[:1] == ("keymap",):
            self._show_problems(preferences.apply_keymap(self, self.settings.keymap))
        elif path == ("appearance", "theme"):
            self._saved_theme = preferences.theme_name(self, self.settings.appearance.theme)
            self.theme = self._saved_theme
        elif path == ("compare", "lineup"):
            lineup, _ = lineup_of(self.settings)
            self.run_worker(self.compare.take_lineup(lineup), group="lineup", exclusive=True)
            return not self.compare.used
        return "rate_limits" not in path

    def action_quit_twice(self) -> None:
        """Quit on the second press. The first one warns: in other programs the key copies."""
        if self.now() - self._quit_pressed_at < _QUIT_WINDOW:
            self.exit()
            return
        self._quit_pressed_at = self.now()
        self.notify("Press ctrl+c again to quit.", timeout=_QUIT_WINDOW)

    def action_toggle_help(self) -> None:
        """Help for the focused widget."""
        from swebench_tui.tui.screens.help import HelpScreen  # noqa: PLC0415

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpScreen(self.screen))


def _is_first_start(workspace: Workspace) -> bool:
    """Whether no settings were saved and no key is configured."""
    if workspace.has_user_files:
        return False
    return not any(workspace.providers.readiness(name).key_source for name in workspace.registry.list_providers())
