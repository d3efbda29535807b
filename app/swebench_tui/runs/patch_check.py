"""Patch checks in threads of their own, so that they block neither answers nor anything else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

from swebench_providers import FinishReason
from swebench_tui.bench.git import Cancellation, cancellable

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict
    from swebench_tui.bench.repositories.snapshot import Snapshot

_WORKERS: Final = 2  # processes of git at once


class _Judge(Protocol):
    def __call__(self, answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None) -> PatchVerdict: ...


class PatchChecker:
    """At most `workers` checks run at once; the others wait in line. May be used from any thread and loop."""

    def __init__(self, workers: int = _WORKERS, *, judge: _Judge | None = None) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="patch-check")
        self._judge = judge

    async def check(
        self, answer: str, finish_reason: FinishReason | None = None, *, snapshot: Snapshot | None
    ) -> PatchVerdict:
        """The verdict on the patch in `answer`. A cancelled check ends its git, or does not begin."""
        reason = None if finish_reason is None else finish_reason.value
        cancellation = Cancellation()

        def check() -> PatchVerdict:
            from swebench_tui.bench.patches import judge  # noqa: PLC0415 - the app starts without it

            with cancellable(cancellation):
                return (self._judge or judge)(answer, snapshot=snapshot, finish_reason=reason)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, check)
        finally:
            cancellation.cancel()

    def close(self) -> None:
        """Begin no more checks. Does not wait for those that run: they end when they are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
