"""Termination by a signal: the terminal is restored and running requests are cancelled, as after ctrl+c twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_SIGNALS: Final = ("SIGTERM", "SIGHUP")  # the latter comes when the terminal is closed; Windows has neither


def on_termination(stop: Callable[[int], None]) -> None:
    """Call `stop` with the exit status that shells give to the signal. A second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def received(number: int) -> None:
        loop.remove_signal_handler(number)
        stop(128 + number)

    for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread's loop
            loop.add_signal_handler(number, received, number)
