"""The pace at which a screen draws what changes all the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SHORTEST_PAUSE: Final = 1 / 20
"""Seconds between two frames that cost next to nothing."""

LONGEST_PAUSE: Final = 1 / 8
"""Seconds that the cost of a frame may stretch the pause to; text that moves less often stutters."""

PAUSE_PER_COST: Final = 10
"""Seconds of pause for each second of CPU time that a frame takes: drawing takes a tenth of a core."""


class FrameLoop:
    """Calls `draw` again and again until it returns False. A key waits for one frame at most.

    The pause after a frame is `PAUSE_PER_COST` times the CPU time that the thread used since the last one, for painting
    and keys too, between `SHORTEST_PAUSE` and `LONGEST_PAUSE`. If a frame is late, because painting is slow or the
    machine is busy, the pause is at least as long as the delay, which leaves half of the time for everything else.

    `set_timer` is the method of a widget. `now` is monotonic time and `cpu` the CPU time of the thread, in seconds.
    """

    def __init__(
        self,
        draw: Callable[[], bool],
        set_timer: Callable[[float, Callable[[], None]], object],
        *,
        now: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._draw = draw
        self._set_timer = set_timer
        self._now = now
        self._cpu = cpu
        self._running = False
        self._due = 0.0
        self._used = 0.0

    def start(self) -> None:
        """Draw the first frame now. Does nothing if the loop is running."""
        if not self._running:
            self._due, self._used = self._now(), self._cpu()
            self._frame()

    def _frame(self) -> None:
        late, used = self._now() - self._due, self._cpu() - self._used
        pause = max(late, min(max(SHORTEST_PAUSE, PAUSE_PER_COST * used), LONGEST_PAUSE))
        self._running = True
        try:
            self._running = self._draw()
        finally:  # an error of one column is reported, and the others go on
            if self._running:
                self._used += used
                self._due = self._now() + pause
                self._set_timer(pause, self._frame)
