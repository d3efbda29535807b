"""A generation: from its request to an answer that is committed, and only then done."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import (
    Attempt,
    AttemptFailed,
    ErrorKind,
    ModelPrice,
    ProviderError,
    ReasoningDelta,
    TextDelta,
)
from swebench_tui.runs.generation import Answer, Generation, TextVoided
from swebench_tui.runs.generation_state import Status
from swebench_tui.runs.provider_resolver import ResolvedProvider, interactive_coordinator
from swebench_tui.runs.target import Target
from tests.app.runs.observed import REQUEST, Seen, Ticking, cancelled, generation
from tests.app.scripted import Gate, ScriptedProvider, ScriptedSource, charge, finished, text, thought

TARGET = Target(provider="acme", model="m")
OVERLOADED = ProviderError(ErrorKind.OVERLOADED, "no room", hint="Try later.")


class Keeping:
    """A recorder that keeps each answer, once its gate is open; or fails."""

    def __init__(self, *, gate: Gate | None = None, error: Exception | None = None) -> None:
        self.answers: list[Answer] = []
        self.called = asyncio.Event()
        self._gate, self._error = gate, error

    async def commit(self, answer: Answer) -> None:
        self.called.set()
        if self._gate is not None:
            await self._gate.passed()
        if self._error is not None:
            raise self._error
        self.answers.append(answer)


# Statuses and text.


async def test_an_answer_goes_from_connecting_over_streaming_to_done() -> None:
    made, seen = generation(text("Because "), text("so."), finished())
    assert made.state.status is Status.WAITING
    await made.run()
    assert seen.statuses == ["connecting", "streaming", "done"]
    assert made.text == "Because so."


async def test_reasoning_and_answer_are_kept_apart() -> None:
    made, seen = generation(thought("hm "), text("A"), thought("or?"), text("B"), finished())
    await made.run()
    assert seen.statuses == ["connecting", "thinking", "streaming", "thinking", "streaming", "done"]
    assert (made.reasoning, made.text) == ("hm or?", "AB")


async def test_an_empty_answer_is_done() -> None:
    made, seen = generation(finished())
    await made.run()
    assert seen.statuses == ["connecting", "done"]
    assert (made.text, made.state.complete) == ("", True)


async def test_a_failure_before_the_first_token_keeps_its_error() -> None:
    made, seen = generation(OVERLOADED)
    await made.run()
    assert seen.statuses == ["connecting", "failed"]
    assert (made.state.error, made.text, made.state.first_token_at) == (OVERLOADED, "", None)


async def test_a_failure_in_the_middle_keeps_the_text_before() -> None:
    made, seen = generation(text("half of "), text("it"), OVERLOADED)
    await made.run()
    assert seen.statuses == ["connecting", "streaming", "failed"]
    assert (made.text, made.state.error, made.state.complete) == ("half of it", OVERLOADED, False)


async def test_a_stream_that_stops_without_its_end_has_failed() -> None:
    made, _ = generation(text("all of it?"))
    await made.run()
    assert made.state.error is not None
    assert (made.state.status, made.state.error.kind, made.text) == (
        Status.FAILED,
        ErrorKind.INCOMPLETE,
        "all of it?",
    )


async def test_an_unexpected_exception_becomes_an_internal_error() -> None:
    made, _ = generation(text("x"), ZeroDivisionError("a fault"))
    await made.run()
    assert made.state.error is not None
    assert str(made.state.error) == "internal error in swebench-tui: ZeroDivisionError: a fault"
    assert (made.state.status, made.text, made.state.error.retryable) == (Status.FAILED, "x", False)


async def test_a_fault_after_the_end_leaves_the_answer_done() -> None:
    made, _ = generation(text("x"), finished(), KeyError("late"))
    await made.run()
    assert (made.state.status, made.state.complete) == (Status.DONE, True)
    assert "KeyError" in str(made.state.error)


async def test_a_failed_attempt_voids_the_text_for_whoever_watches() -> None:
    broken = AttemptFailed(provider="acme", model="m", error=OVERLOADED, time=2)
    again = Attempt(provider="acme", model="m", time=3)
    made, seen = generation(text("half"), thought("r"), broken, again, text("whole"), finished())
    await made.run()
    assert [type(piece) for piece in seen.pieces] == [TextDelta, ReasoningDelta, TextVoided, TextDelta]
    assert (made.text, made.reasoning) == ("whole", "")


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=5)), max_size=30))
def test_text_and_reasoning_are_what_came_in_any_order(pieces: list[tuple[bool, str]]) -> None:
    async def run() -> None:
        steps = [text(piece) if is_text else thought(piece) for is_text, piece in pieces]
        made, seen = generation(*steps, finished())
        await made.run()
        assert made.text == "".join(piece for is_text, piece in pieces if is_text)
        assert made.reasoning == "".join(piece for is_text, piece in pieces if not is_text)
        assert seen.pieces == steps

    asyncio.run(run())


async def test_a_generation_runs_once() -> None:
    made, _ = generation(finished())
    await made.run()
    with pytest.raises(RuntimeError, match="runs once"):
        await made.run()


# The request.


async def test_the_model_and_temperature_of_the_target_are_sent() -> None:
    provider = ScriptedProvider(finished())
    target = Target(provider="acme", model="big", temperature=0.0)
    await Generation(target, REQUEST, ScriptedSource(provider)).run()
    assert [(sent.model, sent.temperature, sent.prompt) for sent in provider.requests] == [("big", 0.0, "Why?")]


async def test_a_target_without_a_model_takes_the_providers_default() -> None:
    provider = ScriptedProvider(finished())
    source = ResolvedProvider(interactive_coordinator(), {"": provider})
    made = Generation(Target(provider="acme"), REQUEST, source)
    await made.run()
    assert (provider.requests[0].model, made.state.model) == ("acme-1", "acme-1")


async def test_an_answer_in_one_piece_has_no_first_token() -> None:
    request = msgspec.structs.replace(REQUEST, stream=False)
    made, _ = generation(text("all", 5), finished(time=5), request=request)
    await made.run()
    assert (made.state.ttft, made.state.latency) == (None, 5)


# The commit.


async def test_an_answer_is_committed_before_it_is_done() -> None:
    gate = Gate()
    recorder = Keeping(gate=gate)
    made, seen = generation(text("whole"), charge("0.01"), finished(), recorder=recorder)
    task = asyncio.create_task(made.run())
    await recorder.called.wait()
    assert (made.state.status, made.state.cost, recorder.answers) == (Status.STREAMING, None, [])
    gate.open()
    await task
    (answer,) = recorder.answers
    assert (answer.text, answer.state.status, answer.state.cost) == ("whole", Status.DONE, Decimal("0.01"))
    assert (seen.statuses[-1], made.state) == ("done", answer.state)


async def test_a_failed_answer_is_committed_with_its_text_and_error() -> None:
    recorder = Keeping()
    made, _ = generation(thought("hm"), text("half"), charge("0.01", exact=False), OVERLOADED, recorder=recorder)
    await made.run()
    (answer,) = recorder.answers
    assert (answer.text, answer.reasoning, answer.state.status) == ("half", "hm", Status.FAILED)
    assert (answer.state.error, answer.state.cost, answer.target) == (OVERLOADED, Decimal("0.01"), made.target)


async def test_a_cancelled_answer_is_committed() -> None:
    recorder = Keeping()
    made, seen = generation(text("half"), Gate(), recorder=recorder)
    task = asyncio.create_task(made.run())
    await seen.some_text()
    await cancelled(task)
    assert [(answer.text, answer.state.status) for answer in recorder.answers] == [("half", Status.CANCELLED)]


async def test_an_answer_that_cannot_be_saved_is_not_done() -> None:
    made, seen = generation(text("whole"), charge("0.01"), finished(), recorder=Keeping(error=OSError("disk full")))
    await made.run()
    assert seen.statuses == ["connecting", "streaming", "failed"]
    assert "could not be saved: OSError: disk full" in str(made.state.error)
    assert (made.text, made.state.cost) == ("whole", Decimal("0.01"))


async def test_cancelling_during_the_commit_waits_for_it() -> None:
    gate = Gate()
    recorder = Keeping(gate=gate)
    made, _ = generation(text("whole"), finished(), recorder=recorder)
    task = asyncio.create_task(made.run())
    await recorder.called.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [answer.text for answer in recorder.answers] == ["whole"]
    assert (made.state.status, made.state.complete) == (Status.DONE, True)


# Cancelling.


async def test_cancelling_stops_the_clock_and_the_stream() -> None:
    clock, provider = Ticking(10.0), ScriptedProvider(text("a", 11.0), Gate())
    made, seen = generation(provider=provider, now=clock)
    task = asyncio.create_task(made.run())
    await seen.some_text()
    clock.now = 14.0
    await cancelled(task)
    assert (made.state.status, made.state.elapsed(50.0), provider.left) == (Status.CANCELLED, 4.0, 1)


async def test_a_cancelled_answer_shows_what_it_cost() -> None:
    provider = ScriptedProvider(text("word " * 400), Gate(), price=ModelPrice(input=Decimal(1), output=Decimal(10)))
    coordinator = interactive_coordinator()
    source = ResolvedProvider(coordinator, {"": provider})
    seen = Seen()
    made = Generation(TARGET, REQUEST, source, observe=lambda piece: seen.see(made.state, piece))
    task = asyncio.create_task(made.run())
    await seen.some_text()
    await cancelled(task)
    assert made.state.cost
    assert (made.state.cost, made.state.cost_estimated) == (coordinator.health()["acme"].cost, True)


async def test_a_failed_answer_shows_what_all_attempts_cost() -> None:
    provider = ScriptedProvider(text("word " * 400), OVERLOADED, price=ModelPrice(input=Decimal(1), output=Decimal(10)))
    coordinator = interactive_coordinator()
    made = Generation(TARGET, REQUEST, ResolvedProvider(coordinator, {"": provider}))
    await made.run()
    assert made.state.cost
    assert made.state.cost == coordinator.health()["acme"].cost
