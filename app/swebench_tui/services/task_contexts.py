"""The files of a prompt and the prompt itself, made in threads and once for all targets that can share them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from swebench_tui.bench.context import Context, ContextMode
from swebench_tui.bench.git import Cancellation, cancellable
from swebench_tui.bench.prompts import Prompt, Template, render_prompt

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from swebench_providers import BlockingCounter
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.snapshot import Snapshot

T = TypeVar("T")

_KEPT_CHARACTERS: Final = 30_000_000
"""Of prompts that are kept for further targets."""


class Job(NamedTuple):
    """What a context and its prompt are made of."""

    instance: Instance
    mode: ContextMode
    snapshot: Snapshot | None
    template: Template
    counter: BlockingCounter
    picked: tuple[str, ...] = ()

    def key(self, budget: int) -> Hashable:
        """Equal for equal prompts."""
        task = (self.instance.instance_id, self.instance.base_commit, self.instance.problem_statement)
        return (task, self.mode, self.snapshot is None, self.template, self.counter.means, self.picked, budget)


class TaskContexts:
    """Makes contexts with their prompts. Search indexes are kept in `indexes`."""

    def __init__(self, indexes: Path) -> None:
        self.indexes = indexes
        self._made: dict[Hashable, tuple[Context, Prompt]] = {}
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def make(self, job: Job, budget: int) -> tuple[Context, Prompt]:
        """Context and prompt of a job, with files of `budget` tokens at most.

        Raises `ContextError` and `GitError` for a repository that cannot be read, `PromptError` for a template.
        """
        key = job.key(budget)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key not in self._made:
                self._made[key] = await in_thread(lambda cancellation: self._make(job, budget, cancellation))
                self._drop_old()
            return self._made[key]

    def _drop_old(self) -> None:
        """Drop the oldest prompts, but never the newest."""
        while len(self._made) > 1 and sum(len(prompt.user) for _, prompt in self._made.values()) > _KEPT_CHARACTERS:
            del self._made[next(iter(self._made))]

    def _make(self, job: Job, budget: int, cancellation: Cancellation) -> tuple[Context, Prompt]:
        from swebench_tui.bench.context.build import build_context  # noqa: PLC0415 - SQLite, for few modes

        context = Context(mode=ContextMode.NONE, budget=budget)
        if job.snapshot is not None and job.mode is not ContextMode.NONE:
            with job.snapshot.open() as tree:
                context = build_context(
                    job.mode,
                    job.instance,
                    tree,
                    budget=budget,
                    count=job.counter,
                    index_folder=self.indexes,
                    picked=job.picked,
                    numbered=job.template.numbers_lines,
                    should_stop=lambda: cancellation.cancelled,
                )
        return context, render_prompt(job.instance, context, job.template)


async def in_thread(function: Callable[[Cancellation], T]) -> T:
    """Run a blocking function in a thread. Cancelling this ends its git processes and sets its `Cancellation`."""
    cancellation = Cancellation()

    def run() -> T:
        with cancellable(cancellation):
            return function(cancellation)

    try:
        return await asyncio.to_thread(run)
    finally:
        cancellation.cancel()
