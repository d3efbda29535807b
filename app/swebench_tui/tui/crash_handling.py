"""Errors that nothing handled: a dialog while the app can go on, else a report and exit status 1.

Textual ends the app and prints a traceback with the values of all variables, among them keys and answers. What leads
there has no public name, so these private methods are overridden here, and no other module touches a private name:

    MessagePump._dispatch_message  the last place where a handler's error does not end its widget's message loop yet
    App._handle_exception          where every error arrives: of handlers, timers, workers, layout and rendering
    App._fatal_error               renders the traceback with its variables

`App._screen_stacks` is read as well: a report must quote no prompt or answer of a screen in another mode either, and
`App.screen_stack` has the current mode alone.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

from swebench_tui import paths

if TYPE_CHECKING:
    from swebench_tui.tui.crash_report import CrashReport

Choice = Literal["continue", "quit"]
"""What the user does after an error."""

_CONSTRUCTION: Final = (events.Compose, events.Mount, events.Load, events.Unmount)

_MAX_PENDING: Final = 5
"""Errors before the user has answered the dialog of the first; more of them come from drawing, and would never end."""

_SIGHUP: Final = 1  # Windows has no name for it


class ErrorBoundary(MessagePump):
    """Reports an error of a handler and goes on with the next message, where Textual would end the message loop.

    Errors of construction are raised: half a screen cannot go on. The app then leaves the screen, or ends.
    """

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _CONSTRUCTION):
                raise
            self.app._handle_exception(error)  # noqa: SLF001 - see above


class CrashHandlingApp(ErrorBoundary, App[None]):
    """`unexpected` has the reports of all errors so far; `crash` is the report of the one that ended the app."""

    def __init__(self) -> None:
        super().__init__()
        self.unexpected: list[CrashReport] = []
        self.crash: CrashReport | None = None
        self._pending = 0
        self._dialog: Screen[Choice] | None = None
        self._loop_started = False
        self._stopped_by_signal = False

    @property
    def home(self) -> Screen[None] | None:
        """The screen without which the app is of no use; None before there is one."""
        raise NotImplementedError

    def error_dialog(self, report: CrashReport) -> Screen[Choice]:
        """The dialog for an unexpected error; its result is what the user chose."""
        raise NotImplementedError

    def leave_mode(self, mode: str) -> None:
        """Go home from a mode whose screen could not be built, and build it anew the next time."""
        raise NotImplementedError

    def scrub(self, text: str) -> str:
        """`text` with every key masked that the app knows."""
        return text

    def all_screens(self) -> Iterator[Screen[Any]]:
        """The screens of every mode, dialogs included."""
        for stack in self._screen_stacks.values():
            yield from stack

    def on_ready(self) -> None:
        """From here on there is a message loop that can show a dialog."""
        self._loop_started = True

    def handle_task_errors(self) -> None:
        """Report errors of tasks that nobody awaits, in the running loop."""
        asyncio.get_running_loop().set_exception_handler(self._task_failed)

    def stop_by_signal(self, status: int) -> None:
        """Exit with this status. Errors are ignored from now on: the terminal may be gone."""
        self._stopped_by_signal = True
        self.exit(return_code=status)

    def thread_failed(self, args: threading.ExceptHookArgs) -> None:
        """For `threading.excepthook`."""
        if isinstance(args.exc_value, Exception):
            self.call_later(self._handle_exception, args.exc_value)

    def panic(self, *_renderables: object) -> None:
        """End the app and print nothing: a rendered traceback may show variables."""
        if self.crash is None:
            error = sys.exc_info()[1]
            self._handle_exception(error if isinstance(error, Exception) else RuntimeError("Textual panicked"))
        else:
            super().panic()

    def _fatal_error(self) -> None:
        super().panic()

    def _handle_exception(self, error: Exception) -> None:
        from swebench_tui.tui import crash_report  # noqa: PLC0415 - seldom needed

        if self.crash is not None or self._stopped_by_signal:
            return
        if _is_terminal_closed(error):
            self.stop_by_signal(128 + _SIGHUP)
            return
        screens = self.screen_stack if self.home is not None else []
        report = crash_report.make(
            error,
            crash_report.crash_context(
                size=(self.size.width, self.size.height),
                screens=[self.current_mode, *(type(screen).__name__ for screen in screens)],
                private=self._private_texts(),
                scrub=self.scrub,
            ),
        )
        self.unexpected.append(report)
        self._pending += 1
        if self._pending > _MAX_PENDING or not self._can_continue():
            self.crash = report
            super()._handle_exception(error)
        elif self._pending == 1:
            self.call_later(self._show, report, None if self.screen.is_mounted else self.screen)

    def _task_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._handle_exception(error)

    def _can_continue(self) -> bool:
        running = self._loop_started and self.is_running and self.return_code is None
        if not running or self.home is None or not self.home.is_mounted:
            return False
        return self.screen.is_mounted or self.screen is not self._dialog

    def _show(self, report: CrashReport, unbuilt: Screen[Any] | None) -> None:
        def proceed(choice: Choice | None) -> None:
            self._pending = 0
            if choice == "quit":
                self.crash = report
                self.exit(return_code=1)
            elif self.screen is unbuilt:
                if len(self.screen_stack) == 1:
                    self.leave_mode(self.current_mode)
                else:
                    self.pop_screen()

        self._dialog = self.error_dialog(report)
        self.push_screen(self._dialog, proceed)

    def _private_texts(self) -> list[str] | None:
        """Prompts and answers on all screens; None if they cannot be read, as on a half-built screen."""
        try:
            return [text for screen in self.all_screens() for text in getattr(screen, "private_texts", ())]
        except Exception:  # noqa: BLE001 - an error here would hide the one that is reported
            return None


def _is_terminal_closed(error: Exception) -> bool:
    """Whether reading or writing failed because the terminal was closed, which SIGHUP may report later."""
    return isinstance(error, OSError) and error.errno == errno.EIO and not os.isatty(1)


def run_reporting_crashes(show: Callable[[], CrashReport | None]) -> int:
    """Run `show`, which returns the report of the error that ended it. Returns the exit status; blocks."""
    try:
        report = show()
    except Exception as error:  # noqa: BLE001 - Python would print the traceback
        from swebench_tui.tui import crash_report  # noqa: PLC0415

        report = crash_report.make(error, crash_report.crash_context(private=None))
    if report is None:
        return 0
    try:
        location = f"Report: {report.save(paths.data())}"
    except OSError as error:
        location = f"The report could not be saved in {paths.data()}: {error.strerror}"
    sys.stderr.write(f"swebench-tui ended because of an internal error: {report.what}. {location}\n")
    return 1
