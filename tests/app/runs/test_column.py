"""One model's answer as it comes in: what a column says at each moment, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import (
    ErrorKind,
    FinishReason,
    Notice,
    ProviderError,
    ProviderRegistry,
    ProviderSpec,
    TokenUsage,
    UnifiedRequest,
    UsageUpdate,
)
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.runs.column import Column, GenerationState, Judge, Piece, State, run_all
from swebench_tui.runs.target import Target
from tests.app.scripted import Gate, ScriptedProvider, Step, finished, text, thought
from tests.fault_server import Ending, FaultServer, Script

ASKED = UnifiedRequest(prompt="Why?")
OVERLOADED = ProviderError(ErrorKind.OVERLOADED, "no room", hint="Try later.")
LONG_STREAM = Script(("one ", "two ", "three ", "four"), tokens_per_second=50, ending=Ending.STALL)


class Ticking:
    """Monotonic seconds that pass only when the test says so."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Seen:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.facts: list[GenerationState] = []
        self.pieces: list[Piece] = []
        self.changed = asyncio.Event()

    def __call__(self, column: Column, piece: Piece | None) -> None:
        self.facts.append(column.facts)
        if piece is not None:
            self.pieces.append(piece)
        self.changed.set()

    @property
    def states(self) -> list[str]:
        """The states in their order, each change once."""
        states = [facts.state.value for facts in self.facts]
        return [state for n, state in enumerate(states) if n == 0 or state != states[n - 1]]


def scripted(
    *steps: Step,
    provider: ScriptedProvider | None = None,
    model: str = "m",
    judge: Judge | None = None,
    now: Callable[[], float] | None = None,
) -> tuple[Column, Seen]:
    seen = Seen()
    target = Target(provider="acme", model=model)
    provider = provider or ScriptedProvider(*steps)
    return Column(target, ASKED, provider, judge=judge, observe=seen, now=now or Ticking()), seen


def served(server: FaultServer, model: str = "m", *, provider: str = "compatible") -> tuple[Column, Seen]:
    registry = ProviderRegistry(
        {
            "COMPATIBLE_BASE_URL": server.base_url,
            "ANTHROPIC_BASE_URL": server.base_url,
            "ANTHROPIC_API_KEY": "sk-ant-test",
        }
    )
    seen = Seen()
    return Column(Target(provider=provider, model=model), ASKED, registry.get_provider(provider), observe=seen), seen


async def until(seen: Seen, holds: Callable[[], bool], *, what: str) -> None:
    """Wait for the observer to have seen it; fails, naming it, when it does not come."""
    try:
        async with asyncio.timeout(5):
            while not holds():
                seen.changed.clear()
                await seen.changed.wait()
    except TimeoutError:
        pytest.fail(f"{what}: not within 5 s; the states were {seen.states}")


async def some_text(seen: Seen) -> None:
    await until(seen, lambda: bool(seen.pieces), what="a piece of text")


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def nothing_after_settled(seen: Seen) -> bool:
    return [facts.settled for facts in seen.facts] == [False] * (len(seen.facts) - 1) + [True]


# The way through the states.


async def test_an_answer_goes_from_connecting_over_streaming_to_done() -> None:
    column, seen = scripted(text("Because "), text("so."), finished())
    assert column.facts.state is State.WAITING
    await column.run()
    assert seen.states == ["connecting", "streaming", "done"]
    assert column.text == "Because so."


async def test_thinking_and_answer_are_kept_apart_and_told_apart() -> None:
    column, seen = scripted(thought("hm "), text("A"), thought("or?"), text("B"), finished())
    await column.run()
    assert seen.states == ["connecting", "thinking", "streaming", "thinking", "streaming", "done"]
    assert (column.reasoning, column.text) == ("hm or?", "AB")


async def test_an_answer_of_nothing_is_still_done() -> None:
    column, seen = scripted(finished())
    await column.run()
    assert seen.states == ["connecting", "done"]
    assert (column.text, column.facts.ttft, column.facts.tokens_per_second) == ("", None, None)


async def test_a_failure_before_the_first_token_leaves_its_error_in_the_column() -> None:
    column, seen = scripted(OVERLOADED)
    await column.run()
    assert seen.states == ["connecting", "failed"]
    assert column.facts.error is OVERLOADED
    assert (column.text, column.facts.first_token, column.facts.cost) == ("", None, None)


async def test_a_failure_in_the_middle_keeps_the_text_that_had_arrived() -> None:
    column, seen = scripted(text("half of "), text("it"), OVERLOADED)
    await column.run()
    assert seen.states == ["connecting", "streaming", "failed"]
    assert (column.text, column.facts.error, column.facts.complete) == ("half of it", OVERLOADED, False)


async def test_a_stream_that_stops_without_its_end_is_no_answer() -> None:
    column, _ = scripted(text("all of it?"))
    await column.run()
    assert column.facts.state is State.FAILED
    assert column.facts.error is not None
    assert (column.facts.error.kind, column.text) == (ErrorKind.INCOMPLETE, "all of it?")


@pytest.mark.parametrize("reason", FinishReason)
async def test_only_an_answer_the_model_ended_itself_is_complete(reason: FinishReason) -> None:
    column, _ = scripted(text("x"), finished(reason))
    await column.run()
    assert column.facts.state is State.DONE
    assert column.facts.complete is (reason is FinishReason.STOP)


async def test_notices_are_kept_in_their_order() -> None:
    column, _ = scripted(Notice("starting", 0.5), Notice("reading", 0.7), text("x"), finished())
    await column.run()
    assert column.facts.notices == ("starting", "reading")


# A fault of ours.


async def test_an_unexpected_exception_stays_in_its_column_and_the_others_go_on() -> None:
    gate = Gate()
    broken, _ = scripted(text("x"), gate.open, ZeroDivisionError("a fault"))
    whole, _ = scripted(gate, text("whole"), finished())
    await run_all([broken, whole])
    assert broken.facts.error is not None
    assert str(broken.facts.error) == "a fault in swebench-tui itself: ZeroDivisionError: a fault"
    assert (broken.facts.state, broken.text, broken.facts.error.retryable) == (State.FAILED, "x", False)
    assert (whole.facts.state, whole.text) == (State.DONE, "whole")


async def test_a_price_that_cannot_be_found_out_leaves_the_answer_whole_and_says_why() -> None:
    column, seen = scripted(provider=ScriptedProvider(text("x"), finished(), cost=KeyError("prices")))
    await column.run()
    assert (column.facts.state, column.facts.complete, column.facts.cost) == (State.DONE, True, None)
    assert "KeyError" in str(column.facts.error)
    assert nothing_after_settled(seen)


# Cancelling.


@pytest.mark.parametrize(
    ("script", "so_far"),
    [
        pytest.param(Script("never", before_head=3600), "", id="while it waits for the head"),
        pytest.param(Script("never", before_first_token=3600), "", id="between head and first token"),
        pytest.param(Script(("one ", "two "), tokens_per_second=0.001), "one ", id="between two tokens"),
        pytest.param(Script(("one ", "two"), ending=Ending.STALL), "one two", id="at a stalled server"),
        pytest.param(Script(("one ",), ending=Ending.ENDLESS, tokens_per_second=100), "one ", id="under a flood"),
    ],
)
async def test_cancelling_closes_the_connection_and_keeps_the_text(script: Script, so_far: str) -> None:
    async with FaultServer(script) as server:
        column, seen = served(server)
        task = asyncio.create_task(column.run())
        (request,) = await server.received(1)
        await until(seen, lambda: column.text.startswith(so_far), what="the text so far")
        await cancelled(task)
        await request.client_gone(within=1)
    assert column.facts.state is State.CANCELLED
    assert column.text.startswith(so_far)
    assert (column.facts.error, column.facts.complete, column.facts.settled) == (None, False, True)
    assert nothing_after_settled(seen)


async def test_cancelling_one_column_leaves_the_other_running() -> None:
    async with FaultServer(by_model={"slow": LONG_STREAM, "quick": Script("all", before_first_token=0.1)}) as server:
        slow, seen = served(server, "slow")
        quick, _ = served(server, "quick")
        tasks = [asyncio.create_task(column.run()) for column in (slow, quick)]
        await some_text(seen)
        await cancelled(tasks[0])
        await tasks[1]
    assert (slow.facts.state, quick.facts.state, quick.text) == (State.CANCELLED, State.DONE, "all")


async def test_cancelling_all_ends_every_column() -> None:
    async with FaultServer(LONG_STREAM) as server:
        columns, observers = zip(*(served(server, f"m{n}") for n in range(3)), strict=True)
        running = asyncio.create_task(run_all(columns))
        for seen in observers:
            await some_text(seen)
        await cancelled(running)
        await server.all_closed(within=1)
    assert {column.facts.state for column in columns} == {State.CANCELLED}


async def test_cancelling_after_the_model_ended_leaves_the_answer_done() -> None:
    async def judge(_answer: str, _reason: str | None) -> PatchVerdict:
        await asyncio.Event().wait()
        return PatchVerdict(status="applies")

    column, seen = scripted(text("whole"), finished(), judge=judge)
    task = asyncio.create_task(column.run())
    await until(seen, lambda: column.facts.state is State.DONE, what="done")
    await cancelled(task)
    assert (column.facts.state, column.facts.complete, column.facts.patch) == (State.DONE, True, None)
    assert nothing_after_settled(seen)


# The patch.


async def test_the_judge_gets_the_answer_and_how_it_ended() -> None:
    asked: list[tuple[str, str | None]] = []
    verdict = PatchVerdict(status="no_patch")

    async def judge(answer: str, reason: str | None) -> PatchVerdict:
        asked.append((answer, reason))
        return verdict

    column, _ = scripted(thought("not this"), text("this "), text("only"), finished(FinishReason.LENGTH), judge=judge)
    await column.run()
    assert asked == [("this only", "length")]
    assert column.facts.patch is verdict


async def test_half_an_answer_is_not_judged() -> None:
    async def judge(_answer: str, _reason: str | None) -> PatchVerdict:
        pytest.fail("it was judged")

    column, _ = scripted(text("half"), OVERLOADED, judge=judge)
    await column.run()
    assert column.facts.patch is None


async def test_a_judge_that_breaks_is_named_and_the_answer_stays_whole() -> None:
    async def judge(_answer: str, _reason: str | None) -> PatchVerdict:
        raise OSError("disk full")

    column, seen = scripted(text("x"), finished(), judge=judge)
    await column.run()
    assert (column.facts.state, column.facts.complete, column.facts.patch) == (State.DONE, True, None)
    assert "OSError: disk full" in str(column.facts.error)
    assert nothing_after_settled(seen)


# Whoever looks on.


async def test_the_observer_gets_each_piece_once_and_settled_once_at_the_end() -> None:
    column, seen = scripted(thought("a", 1), text("b", 2), text("c", 3), finished(at=4))
    await column.run()
    assert [(piece.kind, piece.text) for piece in seen.pieces] == [("reasoning", "a"), ("text", "b"), ("text", "c")]
    assert nothing_after_settled(seen)
    assert [facts.pieces for facts in seen.facts if facts.state.ended][-1] == 3


async def test_a_reader_takes_the_pieces_since_the_last_it_has() -> None:
    column, _ = scripted(text("a"), text("b"), text("c"), finished())
    await column.run()
    assert [piece.text for piece in column.pieces(1)] == ["b", "c"]
    assert list(column.pieces(3)) == []


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=5)), max_size=30))
def test_text_and_reasoning_are_what_came_whatever_the_order(pieces: list[tuple[bool, str]]) -> None:
    steps = [text(piece) if is_text else thought(piece) for is_text, piece in pieces]
    column, seen = scripted(*steps, finished())
    asyncio.run(column.run())
    assert column.text == "".join(piece for is_text, piece in pieces if is_text)
    assert column.reasoning == "".join(piece for is_text, piece in pieces if not is_text)
    assert seen.pieces == list(column.pieces())


# What is asked.


async def test_the_model_and_the_temperature_of_the_target_are_asked_for() -> None:
    provider = ScriptedProvider(finished())
    await Column(Target(provider="acme", model="big", temperature=0.0), ASKED, provider).run()
    assert [(asked.model, asked.temperature, asked.prompt) for asked in provider.requests] == [("big", 0.0, "Why?")]


async def test_a_target_without_a_model_takes_the_providers_default() -> None:
    provider = ScriptedProvider(finished())
    column, _ = scripted(provider=provider, model="")
    await column.run()
    assert (provider.requests[0].model, column.facts.model) == ("acme-1", "acme-1")


async def test_a_server_that_lists_no_model_to_default_to_fails_in_the_column() -> None:
    async with FaultServer() as server:
        server.by_path["/v1/models"] = Script(body=b'{"object": "list", "data": []}')
        column, _ = served(server, "")
        await column.run()
    assert column.facts.error is not None
    assert (column.facts.error.kind, column.facts.state) == (ErrorKind.MODEL_NOT_FOUND, State.FAILED)


# Figures.


async def test_times_are_those_of_the_bytes_counted_from_the_start() -> None:
    clock = Ticking(0.0)
    column, _ = scripted(text("a", 0.5), text("b", 1.0), text("c", 2.5), finished(at=3.0), now=clock)
    await column.run()
    facts = column.facts
    clock.now = 60.0
    assert (facts.ttft, facts.elapsed(clock.now)) == (0.5, 3.0)
    assert [piece.at for piece in column.pieces()] == [0.5, 1.0, 2.5]
    assert facts.tokens_per_second == pytest.approx(2 / 2.0)


async def test_a_running_column_is_as_old_as_the_clock_says() -> None:
    clock, gate = Ticking(10.0), Gate()
    column, seen = scripted(gate, finished(at=40.0), now=clock)
    assert column.facts.elapsed(clock.now) is None
    task = asyncio.create_task(column.run())
    await until(seen, lambda: column.facts.state is State.CONNECTING, what="connecting")
    assert column.facts.elapsed(12.5) == 2.5
    gate.open()
    await task
    assert column.facts.elapsed(99.0) == 30.0


async def test_a_cancelled_column_stops_the_clock() -> None:
    clock = Ticking(10.0)
    column, seen = scripted(text("a", 11.0), Gate(), now=clock)
    task = asyncio.create_task(column.run())
    await some_text(seen)
    clock.now = 14.0
    await cancelled(task)
    assert column.facts.elapsed(50.0) == 4.0


async def test_pieces_stand_for_tokens_until_the_provider_has_counted() -> None:
    gate = Gate()
    column, seen = scripted(
        text("ab", 1), text("cd", 2), gate, UsageUpdate(TokenUsage(completion_tokens=9), 2.5), finished(at=3)
    )
    task = asyncio.create_task(column.run())
    await until(seen, lambda: column.text == "abcd", what="the text")
    assert (column.facts.tokens, column.facts.tokens_exact) == (2, False)
    gate.open()
    await task
    assert (column.facts.tokens, column.facts.tokens_exact) == (9, True)
    assert column.facts.tokens_per_second == pytest.approx(8.0)


async def test_what_a_server_counts_at_the_beginning_is_no_count_of_a_stream_that_broke_off() -> None:
    script = Script(("one ", "two ", "three"), ending=Ending.TRUNCATED)
    async with FaultServer(script) as server:
        column, _ = served(server, provider="anthropic")  # whose first record says `output_tokens: 1`
        await column.run()
    facts = column.facts
    assert (facts.state, facts.tokens, facts.tokens_exact) == (State.FAILED, 3, False)
    assert facts.usage is not None
    assert (facts.usage.completion_tokens, facts.usage.source) == (3, "estimated")


async def test_reasoning_that_was_not_shown_does_not_make_the_answer_faster() -> None:
    usage = UsageUpdate(TokenUsage(completion_tokens=1011, reasoning_tokens=1000), 2)
    column, _ = scripted(text("a", 1), text("b", 2), usage, finished(at=2))
    await column.run()
    assert column.facts.tokens == 1011
    assert column.facts.tokens_per_second == pytest.approx(10.0)


async def test_reasoning_that_was_shown_counts_for_the_speed() -> None:
    usage = UsageUpdate(TokenUsage(completion_tokens=21, reasoning_tokens=10), 2)
    column, _ = scripted(thought("a", 1), text("b", 2), usage, finished(at=2))
    await column.run()
    assert column.facts.tokens_per_second == pytest.approx(20.0)


async def test_all_tokens_at_one_moment_have_no_speed() -> None:
    column, _ = scripted(text("a", 1), text("b", 1), finished())
    await column.run()
    assert column.facts.tokens_per_second is None


@pytest.mark.parametrize("cost", [Decimal("0.0121"), Decimal(0), None])
async def test_the_cost_is_what_the_provider_says_and_unknown_stays_unknown(cost: Decimal | None) -> None:
    column, _ = scripted(provider=ScriptedProvider(finished(), cost=cost))
    await column.run()
    assert column.facts.cost == cost


async def test_what_is_free_costs_nothing_even_when_it_fails() -> None:
    free = ProviderSpec(title="Free", protocol="openai_chat", price="free")
    column, _ = scripted(provider=ScriptedProvider(OVERLOADED, spec=free))
    await column.run()
    assert (column.free, column.facts.cost) == (True, Decimal(0))


# A server that dies.


async def test_a_killed_server_ends_its_own_column_and_no_other() -> None:
    endless = Script(("more ",), ending=Ending.ENDLESS, tokens_per_second=200)
    whole = Script(tuple(f"{n} " for n in range(60)), tokens_per_second=200)
    async with FaultServer(endless) as dying, FaultServer(whole) as healthy:
        lost, seen = served(dying)
        kept, _ = served(healthy)
        running = asyncio.create_task(run_all([lost, kept]))
        await until(seen, lambda: lost.text.count("more") > 3, what="some text")
        await dying.stop_abruptly()
        await running
    assert lost.facts.error is not None
    assert lost.facts.error.kind in {ErrorKind.INCOMPLETE, ErrorKind.TRANSIENT}
    assert (lost.facts.state, lost.facts.error.retryable, lost.text[:10]) == (State.FAILED, True, "more more ")
    assert (kept.facts.state, kept.text) == (State.DONE, "".join(whole.text_tokens))
