"""Ends a generation run on signals so that no paid answer is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from swebench_tui.cli.generate_output import Printer
from swebench_tui.services.generation_run import GenerationRun

_STATUS: Final = 128  # plus the number of the signal, as shells report it


async def run_until_ended(run: GenerationRun, printer: Printer) -> int:
    """Run to the end. Returns the exit status for the signal that stopped it, else 0.

    The first SIGINT begins no more tasks and waits for those in flight; a second one, SIGTERM and SIGHUP cancel them.
    """
    stop = _Stop(run, printer)
    with _handlers({number: stop.handler(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}):
        ticker = asyncio.ensure_future(printer.tick())
        try:
            await stop.task
        except asyncio.CancelledError:
            if not stop.cancelled:
                raise
        except BaseExceptionGroup as errors:  # of the output, as a full disk or a closed pipe; one from each worker
            raise _first(errors) from None
        finally:
            ticker.cancel()
    return stop.status


class _Stop:
    def __init__(self, run: GenerationRun, printer: Printer) -> None:
        self.task = asyncio.ensure_future(run.run())
        self.status = 0
        self.cancelled = False
        self._run = run
        self._printer = printer

    def handler(self, number: signal.Signals) -> Callable[[], None]:
        def act() -> None:
            self.cancelled = self.status > 0 or number is not signal.SIGINT
            self.status = _STATUS + number
            self._run.stop()
            if self.cancelled:
                self.task.cancel()
            self._printer.stopping(self._run, cancelled=self.cancelled)

        return act


@contextmanager
def _handlers(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number, act in handlers.items():
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def _first(errors: BaseExceptionGroup) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
