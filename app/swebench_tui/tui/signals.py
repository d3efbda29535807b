"""Being told to end from outside: the terminal is given back, and what runs is stopped, as after ctrl+c twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_ENDS: Final = ("SIGTERM", "SIGHUP")  # the latter comes when the terminal is closed; Windows has none of them


def heed(end: Callable[[int], None]) -> None:
    """Call `end` with the exit status that shells give to the signal. A second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        loop.remove_signal_handler(number)
        end(128 + number)

    for number in (getattr(signal, name) for name in _ENDS if hasattr(signal, name)):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread's loop
            loop.add_signal_handler(number, told, number)
