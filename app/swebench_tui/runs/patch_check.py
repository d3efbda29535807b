"""Patch checks in threads of their own, so that they hold up neither answers nor anything else that waits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from swebench_providers import FinishReason
from swebench_tui.bench.patches import PatchVerdict, judge

_WORKERS: Final = 2  # processes of git at once


class PatchChecker:
    """At most `workers` checks run at once; the others wait in line. May be used from any thread and loop."""

    def __init__(self, workers: int = _WORKERS) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="patch-check")

    async def check(
        self, answer: str, finish_reason: FinishReason | None = None, *, checkout: Path | None
    ) -> PatchVerdict:
        """The verdict on the patch in `answer`. Cancelled, it does not begin, or its result is dropped."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: judge(answer, checkout=checkout, finish_reason=finish_reason and finish_reason.value)
        )

    def close(self) -> None:
        """Begin no more checks. Does not wait for those that run: each ends by the time limit of git."""
        self._threads.shutdown(wait=False, cancel_futures=True)
