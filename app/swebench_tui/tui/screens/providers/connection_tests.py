"""Running connection tests of several providers at once, at most one per provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.dom import DOMNode
from textual.worker import Worker

from swebench_tui.services.providers import TestResult


class ConnectionTests:
    """Runs tests as workers of `owner` and hands the result of each one that is not cancelled to `on_result`.

    `now` is monotonic seconds.
    """

    def __init__(
        self,
        owner: DOMNode,
        check: Callable[[str], Awaitable[TestResult]],
        on_result: Callable[[str, TestResult], Awaitable[None]],
        *,
        now: Callable[[], float],
    ) -> None:
        self._owner, self._check, self._on_result, self._now = owner, check, on_result, now
        self._running: dict[str, tuple[float, Worker[None]]] = {}

    def start(self, name: str) -> bool:
        """Start a test unless one runs; returns whether it was started."""
        if name in self._running:
            return False
        worker = self._owner.run_worker(self._test(name), group=f"test {name}")
        self._running[name] = self._now(), worker
        return True

    def cancel(self) -> None:
        """Cancel all running tests."""
        for _, worker in list(self._running.values()):
            worker.cancel()

    def elapsed(self, name: str) -> float | None:
        """Seconds since the running test of a provider was started; None when none runs."""
        return self._now() - self._running[name][0] if name in self._running else None

    async def _test(self, name: str) -> None:
        try:
            result = await self._check(name)
        finally:
            del self._running[name]
        await self._on_result(name, result)
