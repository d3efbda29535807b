"""Generations and columns under test, and an observer that keeps what they showed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from swebench_providers import ProviderRegistry, TextDelta, UnifiedRequest
from swebench_tui.runs.column import Column, PatchCheck
from swebench_tui.runs.generation import DISCARD, Generation, Piece, Recorder
from swebench_tui.runs.generation_state import GenerationState
from swebench_tui.runs.provider_resolver import ProviderResolver, interactive_coordinator
from swebench_tui.runs.target import Target
from tests.app.scripted import ScriptedProvider, ScriptedSource, Step
from tests.fault_server import FaultServer

REQUEST = UnifiedRequest(prompt="Why?")


class Ticking:
    """Monotonic seconds that pass only when the test says so."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Seen:
    """An observer that keeps every state and piece."""

    def __init__(self) -> None:
        self.states: list[GenerationState] = []
        self.pieces: list[Piece] = []
        self.settled: list[bool] = []
        self.changed = asyncio.Event()

    def see(self, state: GenerationState, piece: Piece | None) -> None:
        self.states.append(state)
        if piece is not None:
            self.pieces.append(piece)
        self.changed.set()

    def see_column(self, column: Column, piece: Piece | None) -> None:
        self.settled.append(column.settled)
        self.see(column.state, piece)

    @property
    def statuses(self) -> list[str]:
        """The statuses in their order, each change once."""
        values = [state.status.value for state in self.states]
        return [value for n, value in enumerate(values) if n == 0 or value != values[n - 1]]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, TextDelta))

    async def until(self, holds: Callable[[], bool], *, what: str) -> None:
        """Wait until the observer was called and `holds()`; fails, naming it, when it does not come."""
        try:
            async with asyncio.timeout(5):
                while not holds():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            pytest.fail(f"{what}: not within 5 s; the statuses were {self.statuses}")

    async def some_text(self) -> None:
        await self.until(lambda: bool(self.pieces), what="a piece of text")


def generation(
    *steps: Step,
    provider: ScriptedProvider | None = None,
    model: str = "m",
    request: UnifiedRequest = REQUEST,
    recorder: Recorder = DISCARD,
    now: Callable[[], float] | None = None,
) -> tuple[Generation, Seen]:
    """A generation of a scripted provider."""
    seen = Seen()
    made = Generation(
        Target(provider="acme", model=model),
        request,
        ScriptedSource(provider or ScriptedProvider(*steps)),
        recorder=recorder,
        observe=lambda piece: seen.see(made.state, piece),
        now=now or Ticking(),
    )
    return made, seen


def column(*steps: Step, check_patch: PatchCheck | None = None, recorder: Recorder = DISCARD) -> tuple[Column, Seen]:
    """A column of a scripted provider."""
    seen = Seen()
    target, source = Target(provider="acme", model="m"), ScriptedSource(ScriptedProvider(*steps))
    made = Column(
        target,
        REQUEST,
        source,
        check_patch=check_patch,
        recorder=recorder,
        observe=seen.see_column,
        now=Ticking(),
    )
    return made, seen


def served(server: FaultServer, model: str = "m", *, provider: str = "compatible") -> tuple[Column, Seen]:
    """A column of a real provider behind all policies."""
    environ = {
        "COMPATIBLE_BASE_URL": server.base_url,
        "ANTHROPIC_BASE_URL": server.base_url,
        "ANTHROPIC_API_KEY": "sk-ant-test",
    }
    source = ProviderResolver(ProviderRegistry(environ), interactive_coordinator()).source(provider)
    seen = Seen()
    return Column(Target(provider=provider, model=model), REQUEST, source, observe=seen.see_column), seen


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait for it to end by that."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
