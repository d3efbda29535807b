"""The pace of drawing, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swebench_tui.tui.frame_loop import LONGEST_PAUSE, PAUSE_PER_COST, SHORTEST_PAUSE, FrameLoop


class VirtualTime:
    """A timer and two clocks. A frame takes `cost` seconds of CPU time; the timer fires `delay` seconds late."""

    def __init__(self, *, cost: float = 0.0, delay: float = 0.0, frames: int = 10) -> None:
        self.time = self.used = 100.0
        self.cost, self.delay, self.left = cost, delay, frames
        self.pauses: list[float] = []
        self._timers: list[Callable[[], None]] = []
        self.loop = FrameLoop(self.draw, self.set_timer, now=lambda: self.time, cpu=lambda: self.used)

    def draw(self) -> bool:
        self.left -= 1
        self.used += self.cost
        return self.left > 0

    def set_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        self.pauses.append(seconds)
        self._timers.append(callback)

    def run(self) -> None:
        """Fire timers until there are none."""
        while self._timers:
            self.time += self.pauses[-1] + self.delay
            self._timers.pop()()


@pytest.mark.parametrize(
    ("cost", "pause"),
    [(0.0, SHORTEST_PAUSE), (0.001, SHORTEST_PAUSE), (0.01, PAUSE_PER_COST * 0.01), (0.5, LONGEST_PAUSE)],
)
def test_the_pause_grows_with_the_cost_of_a_frame(cost: float, pause: float) -> None:
    time = VirtualTime(cost=cost)
    time.loop.start()
    time.run()
    assert time.pauses == [SHORTEST_PAUSE, *[pytest.approx(pause)] * 8]


def test_a_late_frame_is_followed_by_as_long_a_pause() -> None:
    time = VirtualTime(delay=0.7)
    time.loop.start()
    time.run()
    assert time.pauses[1:] == [pytest.approx(0.7)] * 8


def test_the_loop_ends_with_draw_and_can_be_started_again() -> None:
    time = VirtualTime(frames=3)
    time.loop.start()
    time.run()
    assert (time.left, len(time.pauses)) == (0, 2)
    time.left = 2
    time.loop.start()
    time.run()
    assert (time.left, len(time.pauses)) == (0, 3)


def test_a_second_start_draws_no_frame_of_its_own() -> None:
    time = VirtualTime()
    time.loop.start()
    time.loop.start()
    assert (time.left, len(time.pauses)) == (9, 1)


def test_an_error_while_drawing_does_not_end_the_loop() -> None:
    time = VirtualTime(frames=3)

    def draw() -> bool:
        if time.left == 3:
            time.left -= 1
            raise ValueError
        return time.draw()

    time.loop = FrameLoop(draw, time.set_timer, now=lambda: time.time, cpu=lambda: time.used)
    with pytest.raises(ValueError):  # noqa: PT011 - as raised above
        time.loop.start()
    time.run()
    assert time.left == 0
