"""What becomes of an error nobody expected: a dialog while the app can go on, else a report and exit status 1.

Textual's own way shows a traceback with the values of all variables: keys and answers would be in it. Every road to it
ends here.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual._context import active_message_pump
from textual.app import App
from textual.dom import DOMNode, NoScreen
from textual.message import Message
from textual.screen import Screen

from swebench_tui import paths
from swebench_tui.tui.steady import Steady

if TYPE_CHECKING:
    from swebench_tui.tui.crash_report import CrashReport, Surroundings
    from swebench_tui.tui.screens.unexpected import Choice

_MOST_AT_ONCE: Final = 5
"""Errors that may come before the user has seen the first; more come from drawing, and would never end."""

_HANGUP: Final = 1
"""The number of the signal SIGHUP, which Windows has no name for."""


class FaultyEnd(Exception):  # noqa: N818 - not raised: what stands for an error that Textual only describes
    """Textual gave up by itself."""


class SafeApp(Steady, App[None]):
    """`unexpected` are the reports of all errors so far; `crash` is that of the one that ended the app."""

    HOME_MODE: str

    def __init__(self) -> None:
        super().__init__()
        self.unexpected: list[CrashReport] = []
        self.crash: CrashReport | None = None
        self._unseen = 0
        self._lost = False
        self._ended_from_outside = False

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception:
            self._lost = True  # starting, or ending: there is no app that could show anything
            raise

    @property
    def data_folder(self) -> Path:
        """Where reports and long copies go."""
        return paths.data()

    def scrub(self, text: str) -> str:
        """`text` with every key that the app knows masked."""
        return text

    def take_over_loop(self) -> None:
        """Errors of tasks that nobody waits for come here too."""
        asyncio.get_running_loop().set_exception_handler(self._task_failed)

    def end_from_outside(self, status: int) -> None:
        """End in order, with this exit status."""
        self._ended_from_outside = True
        self.exit(return_code=status)

    def thread_failed(self, args: threading.ExceptHookArgs) -> None:
        """For `threading.excepthook`."""
        if isinstance(args.exc_value, Exception):
            self.call_later(self._handle_exception, args.exc_value)

    def _task_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002
        error = context.get("exception")
        if isinstance(error, Exception):
            self._handle_exception(error)

    # What Textual calls.

    def _handle_exception(self, error: Exception) -> None:
        from swebench_tui.tui import crash_report  # noqa: PLC0415 - seldom needed

        if self.crash is not None or self._ended_from_outside:
            return
        if _terminal_is_gone(error):
            self.end_from_outside(128 + _HANGUP)
            return
        report = crash_report.make(error, self._surroundings())
        self.unexpected.append(report)
        unbuilt = _unbuilt_screen()
        self._unseen += 1
        if not self._can_go_on_without(unbuilt) or self._unseen > _MOST_AT_ONCE:
            self._end(error, report)
        elif self._unseen == 1:
            self.call_later(self._show, report, unbuilt)

    def panic(self, *renderables: object) -> None:  # noqa: ARG002 - a rendered traceback may show variables
        error = sys.exc_info()[1]
        self._handle_exception(error if isinstance(error, Exception) else FaultyEnd("the terminal's input ended"))

    def _fatal_error(self) -> None:
        self.panic()

    # What then happens.

    def _can_go_on_without(self, unbuilt: Screen[Any] | None) -> bool:
        from swebench_tui.tui.screens.unexpected import UnexpectedScreen  # noqa: PLC0415

        home = next(iter(self._screen_stacks.get(self.HOME_MODE, [])), None)
        lost = self._lost or (unbuilt is not None and (unbuilt is home or isinstance(unbuilt, UnexpectedScreen)))
        return self._running and not self._exit and home is not None and home.is_mounted and not lost

    def _end(self, error: Exception, report: CrashReport) -> None:
        self.crash = report
        self._return_code = 1
        if self._exception is None:  # for tests: their pilot raises it
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _show(self, report: CrashReport, unbuilt: Screen[Any] | None) -> None:
        from swebench_tui.tui.screens.unexpected import UnexpectedScreen  # noqa: PLC0415

        def go_on(choice: Choice | None) -> None:
            self._unseen = 0
            if choice == "quit":
                self.crash = report
                self.exit(return_code=1)
            elif unbuilt is not None:
                self._leave(unbuilt)

        self.push_screen(UnexpectedScreen(report, self.data_folder), go_on)

    def _leave(self, unbuilt: Screen[Any]) -> None:
        """Away from a screen that came up only in part; its mode is built anew the next time."""
        for mode, stack in list(self._screen_stacks.items()):
            if stack and stack[0] is unbuilt:
                self.switch_mode(self.HOME_MODE)
                del self._screen_stacks[mode]
                unbuilt.remove()
            elif stack and stack[-1] is unbuilt:
                self.pop_screen()

    def _surroundings(self) -> Surroundings:
        from swebench_tui.tui import crash_report  # noqa: PLC0415

        stack = self._screen_stacks.get(self._current_mode, [])
        return crash_report.surroundings(
            size=(self.size.width, self.size.height),
            screens=[self._current_mode, *(type(screen).__name__ for screen in stack)],
            private=self._private_texts(),
            scrub=self.scrub,
        )

    def _private_texts(self) -> list[str] | None:
        """None where they cannot be told, as on a screen that is half built: the report then quotes nothing."""
        try:
            screens = [screen for stack in self._screen_stacks.values() for screen in stack]
            return [text for screen in screens for text in getattr(screen, "private_texts", ())]
        except Exception:  # noqa: BLE001 - this is where errors are told: it must not make one
            return None


def _terminal_is_gone(error: Exception) -> bool:
    """Whether it was closed: reading and writing then fail, before or after the signal that tells of it."""
    return isinstance(error, OSError) and error.errno == errno.EIO and not os.isatty(1)


def _unbuilt_screen() -> Screen[Any] | None:
    """The screen that is being built just now, if it is there that the error happened."""
    pump = active_message_pump.get(None)
    if not isinstance(pump, DOMNode) or isinstance(pump, App):
        return None
    try:
        screen = pump.screen
    except NoScreen:
        return None
    return None if screen.is_mounted else screen


def report_end(report: CrashReport) -> str:
    """Save the report of the error that ended the program; one line that says where it is. Blocks."""
    try:
        where = f"The report is in {report.save(paths.data())}"
    except OSError as error:
        where = f"Its report could not be saved in {paths.data()}: {error.strerror}"
    return f"swebench-tui ended because of a fault of its own: {report.what}. {where}"


def guarded(show: Callable[[], CrashReport | None]) -> int:
    """Run `show`, which gives back the report of what ended it. Returns the exit status; tells of a fault on stderr."""
    try:
        report = show()
    except Exception as error:  # noqa: BLE001 - the last place before Python prints what it knows
        from swebench_tui.tui import crash_report  # noqa: PLC0415

        report = crash_report.make(error, crash_report.surroundings(private=None))
    if report is None:
        return 0
    sys.stderr.write(report_end(report) + "\n")
    return 1
