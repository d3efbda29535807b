"""A column of a comparison: a generation, the pieces its screen reads, and the patch check after it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from swebench_providers import FinishReason, UnifiedRequest
from swebench_tui.runs.generation import DISCARD, Generation, Piece, Recorder, Source, internal_error
from swebench_tui.runs.generation_state import GenerationState, Status
from swebench_tui.runs.target import Target

if TYPE_CHECKING:
    from swebench_tui.bench.guided import Guide
    from swebench_tui.bench.patches import PatchVerdict
    from swebench_tui.bench.task import TaskPrompt

PatchCheck: TypeAlias = "Callable[[str, FinishReason | None], Awaitable[PatchVerdict]]"
"""From an answer and its finish reason to the verdict on the patch in it."""


class Column:
    """Runs once, in the engine's loop; may be read from any thread.

    `observe` is called in that loop after every change, with the piece that changed the text, else None. Without it
    the pieces are kept for the one screen that takes them.
    """

    def __init__(
        self,
        target: Target,
        request: UnifiedRequest,
        source: Source,
        *,
        prompt: TaskPrompt | None = None,
        guide: Guide | None = None,
        check_patch: PatchCheck | None = None,
        recorder: Recorder = DISCARD,
        observe: Callable[[Column, Piece | None], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.patch: PatchVerdict | None = None
        self.settled = False
        """Whether nothing will change any more. Read it before the rest: what is read afterwards is then final."""
        self._check_patch = check_patch
        self._observe = observe
        self._pieces: deque[Piece] = deque()
        self._generation = Generation(
            target, request, source, prompt=prompt, guide=guide, recorder=recorder, observe=self._changed, now=now
        )

    @property
    def state(self) -> GenerationState:
        """The state now; the same object as long as nothing changes."""
        return self._generation.state

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._generation.text

    @property
    def reasoning(self) -> str:
        return self._generation.reasoning

    def take(self) -> Sequence[Piece]:
        """The pieces since the last call. For one reader."""
        return [self._pieces.popleft() for _ in range(len(self._pieces))]

    async def run(self) -> None:
        """Run the generation, then check the patch of a complete answer. Raises nothing but cancellation."""
        try:
            await self._generation.run()
            if self._check_patch is not None and self.state.status is Status.DONE:
                self.patch = await self._checked(self._check_patch)
        finally:
            self.settled = True
            self._changed(None)

    async def _checked(self, check_patch: PatchCheck) -> PatchVerdict:
        try:
            return await check_patch(self.text, self.state.finish_reason)
        except Exception as fault:  # noqa: BLE001 - the answer is complete, whatever happens to its check
            from swebench_tui.bench.patches import PatchVerdict  # noqa: PLC0415 - the app starts without it

            return PatchVerdict(status="unchecked", detail=str(internal_error(fault)))

    def _changed(self, piece: Piece | None) -> None:
        if self._observe is not None:
            self._observe(self, piece)
        elif piece is not None:
            self._pieces.append(piece)


async def run_all(columns: Sequence[Column]) -> None:
    """Run the columns side by side until each has ended. Cancelling this cancels them all."""
    async with asyncio.TaskGroup() as group:
        for column in columns:
            group.create_task(column.run())
