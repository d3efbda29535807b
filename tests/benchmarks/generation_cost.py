"""What a generation costs beside the library's accumulator: CPU per token, and memory kept for an answer at its end.

    python -m tests.benchmarks.generation_cost [--tokens 600] [--answers 50] [--rounds 15] [--json]

A scripted stream, which does no I/O, is read bare, by a generation nobody watches (an item of a batch), and by a column
whose pieces are taken. What reading it bare costs is subtracted. Each figure is the best of some rounds. Memory is that
of `tracemalloc`, per answer, after all have ended. Exit status 1 means that nothing was measured: an answer was not
what the stream held.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import msgspec

from swebench_providers import Charge, Event, Finished, FinishReason, TextDelta, UnifiedRequest
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_tui.runs.column import Column
from swebench_tui.runs.generation import Generation
from swebench_tui.runs.generation_state import Status
from swebench_tui.runs.target import Target

_TARGET = Target(provider="acme", model="m")
_REQUEST = UnifiedRequest(prompt="Why?")


class NotMeasuredError(Exception):
    """What was to be measured did not happen."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds per token, and bytes per answer."""

    tokens: int
    accumulator: float
    generation: float
    column: float
    kept: float
    text: int

    def check(self) -> None:
        """Raise `NotMeasuredError` if a figure stands for nothing."""
        if min(self.accumulator, self.generation, self.column) <= 0:
            raise NotMeasuredError("a token cost no time; more tokens or rounds are needed")
        if self.kept < self.text:
            raise NotMeasuredError(f"{self.kept:.0f} bytes were kept for a text of {self.text}")

    def __str__(self) -> str:
        return (
            f"CPU per token, ns: accumulator {self.accumulator:.0f}"
            f"  generation {self.generation:.0f} ({self.generation / self.accumulator:.1f} x)"
            f"  column {self.column:.0f} ({self.column / self.accumulator:.1f} x)\n"
            f"kept for an answer of {self.tokens} tokens: {self.kept / 1e3:.1f} kB"
            f" ({self.kept / self.text:.1f} x its text of {self.text / 1e3:.1f} kB)"
        )


class Stream:
    """The source: so many tokens, each of another object, as from a server."""

    name = "acme"
    embedded = False
    takes_grammar = False

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def is_free(self, model: str) -> bool:  # noqa: ARG002
        return False

    async def stream(
        self,
        request: UnifiedRequest,  # noqa: ARG002
        on_charge: Callable[[Charge], None] | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[Event, None]:
        for event in events(self.tokens):
            yield event


def events(tokens: int) -> Sequence[Event]:
    """An answer of so many tokens."""
    deltas = [TextDelta(f"word {number % 100} ", number * 0.01) for number in range(tokens)]
    return [*deltas, Finished(reason=FinishReason.STOP, time=tokens * 0.01)]


async def best(rounds: int, run: Callable[[], Awaitable[object]]) -> float:
    """Seconds of the quickest round."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        await run()
        took.append(time.perf_counter() - start)
    return min(took)


async def measure(*, tokens: int, answers: int, rounds: int, source: Stream | None = None) -> Measurement:
    """Raises `NotMeasuredError` where an answer is not of so many tokens."""
    source, played = source or Stream(tokens), events(tokens)
    expected = "".join(event.text for event in played if isinstance(event, TextDelta))

    def check(text: str, status: Status = Status.DONE) -> None:
        if (text, status) != (expected, Status.DONE):
            raise NotMeasuredError(f"an answer of {len(text)} characters is {status}, not done with {len(expected)}")

    async def accumulate() -> None:
        accumulator = ResponseAccumulator(0.0)
        for event in played:
            accumulator.add(event)
        check(accumulator.text)

    async def read() -> None:
        async for _ in source.stream(_REQUEST):
            pass

    async def generate() -> Generation:
        generation = Generation(_TARGET, _REQUEST, source)
        await generation.run()
        check(generation.text, generation.state.status)
        return generation

    async def fill_column() -> None:
        column = Column(_TARGET, _REQUEST, source)
        await column.run()
        check("".join(piece.text for piece in column.take() if isinstance(piece, TextDelta)), column.state.status)

    bare = await best(rounds, read)
    costs = [await best(rounds, run) - bare for run in (generate, fill_column)]
    generation, column = (1e9 * cost / tokens for cost in costs)
    return Measurement(
        tokens=tokens,
        accumulator=1e9 * await best(rounds, accumulate) / tokens,
        generation=generation,
        column=column,
        kept=await _kept(answers, generate),
        text=len(expected),
    )


async def _kept(answers: int, generate: Callable[[], Awaitable[Generation]]) -> float:
    """Bytes per answer that has ended."""
    await generate()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [await generate() for _ in range(answers)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / len(kept)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.generation_cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tokens", type=int, default=600)
    parser.add_argument("--answers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    measured = asyncio.run(measure(tokens=options.tokens, answers=options.answers, rounds=options.rounds))
    try:
        measured.check()
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(measured).decode() if options.as_json else measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
