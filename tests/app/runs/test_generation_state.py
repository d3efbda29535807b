"""The reducer: from the events of a call to the state of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import (
    Attempt,
    AttemptFailed,
    Charge,
    ErrorKind,
    Event,
    Finished,
    FinishReason,
    Notice,
    ProviderError,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    UsageUpdate,
    Waiting,
)
from swebench_tui.runs.generation_state import GenerationReducer, GenerationState, Status
from tests.app.scripted import charge, finished, text, thought

OVERLOADED = ProviderError(ErrorKind.OVERLOADED, "no room", hint="Try later.")


def attempt(time: float, model: str = "m") -> Attempt:
    return Attempt(provider="acme", model=model, time=time)


def failed(time: float) -> AttemptFailed:
    return AttemptFailed(provider="acme", model="m", error=OVERLOADED, time=time)


def reduced(*events: Event, started: float = 0.0, streamed: bool = True, free: bool = False) -> GenerationReducer:
    """A reducer after these events."""
    reducer = GenerationReducer("m", is_free=lambda _: free, streamed=streamed)
    reducer.start(started)
    for event in events:
        reducer.charge(event) if isinstance(event, Charge) else reducer.apply(event)
    return reducer


def ended(*events: Event, status: Status = Status.DONE, free: bool = False) -> GenerationState:
    """The final state after these events."""
    return reduced(*events, free=free).final(status, 9.0)


# Status.


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), Status.CONNECTING),
        ((attempt(1),), Status.CONNECTING),
        ((thought("a"),), Status.THINKING),
        ((thought("a"), text("b")), Status.STREAMING),
        ((text("a"), thought("b")), Status.THINKING),
        ((text("a"), text("b"), UsageUpdate(TokenUsage(), 1), text("c")), Status.STREAMING),
        ((text("a"), failed(2)), Status.CONNECTING),
        ((Waiting(reason="queue", message="", seconds=None, time=1),), Status.WAITING),
        ((Waiting(reason="queue", message="", seconds=None, time=1), text("a")), Status.STREAMING),
        ((text("a"), Waiting(reason="queue", message="", seconds=None, time=1), text("b")), Status.STREAMING),
        ((text("a"), finished()), Status.STREAMING),
    ],
)
def test_the_status_follows_the_events(events: Sequence[Event], status: Status) -> None:
    assert reduced(*events).state.status is status


def test_a_state_stays_the_same_object_while_nothing_changes() -> None:
    reducer = reduced(text("a"))
    before = reducer.state
    assert reducer.state is before
    reducer.apply(text("b"))
    assert reducer.state is not before
    assert (before.deltas, reducer.state.deltas) == (1, 2)


def test_the_answer_names_its_model_over_the_attempt() -> None:
    reducer = reduced(attempt(1, model="asked"))
    assert reducer.state.model == "asked"
    reducer.apply(Finished(reason=FinishReason.STOP, time=2, model="answered"))
    assert reducer.state.model == "answered"


@pytest.mark.parametrize("reason", FinishReason)
def test_only_an_answer_the_model_ended_itself_is_complete(reason: FinishReason) -> None:
    assert ended(text("x"), finished(reason)).complete is (reason is FinishReason.STOP)


def test_a_whole_answer_stays_done_whatever_follows() -> None:
    state = reduced(text("x"), finished(time=3)).final(Status.CANCELLED, 9.0, OVERLOADED)
    assert (state.status, state.ended_at, state.error) == (Status.DONE, 3, OVERLOADED)


def test_notices_keep_their_order_and_passing_ones_end() -> None:
    state = ended(Notice("starting", 1, passing=True), Notice("left out", 2), text("x"), finished())
    assert (state.notices, state.final_notices) == (("starting", "left out"), ("left out",))


# Text, and attempts that fail.


def test_text_and_reasoning_are_kept_apart() -> None:
    reducer = reduced(thought("hm "), text("A"), thought("or?"), text("B"))
    assert (reducer.reasoning, reducer.text) == ("hm or?", "AB")


def test_a_failed_attempt_voids_its_text_usage_and_times() -> None:
    reducer = reduced(attempt(1), thought("hm", 2), text("half", 3), UsageUpdate(TokenUsage(completion_tokens=9), 3))
    assert reducer.apply(failed(4))
    state = reducer.state
    assert (reducer.text, reducer.reasoning, state.usage) == ("", "", None)
    assert (state.deltas, state.has_reasoning, state.first_token_at, state.last_token_at) == (0, False, None, None)


def test_the_answer_after_a_failed_attempt_is_its_own() -> None:
    reducer = reduced(attempt(1), text("half", 2), failed(3), attempt(5), text("a", 6), text("b", 7), finished(time=8))
    state = reducer.final(Status.DONE, 9.0)
    assert (reducer.text, state.deltas) == ("ab", 2)
    assert (state.ttft, state.latency, state.waited, state.tokens_per_second) == (1, 3, 5, 1)


def test_an_attempt_that_fails_without_text_voids_nothing() -> None:
    reducer = reduced(attempt(1))
    assert not reducer.apply(failed(2))
    assert not reducer.apply(attempt(3))


def test_an_attempt_that_begins_after_text_voids_it() -> None:
    reducer = reduced(attempt(1), text("half"))
    assert reducer.apply(attempt(3))
    assert (reducer.text, reducer.state.deltas) == ("", 0)


@given(st.lists(st.sampled_from([text("t"), thought("r"), attempt(1), failed(1), Notice("n", 1)]), max_size=30))
def test_deltas_are_those_of_the_last_attempt(events: list[Event]) -> None:
    reducer = reduced(*events)
    since = max((n + 1 for n, event in enumerate(events) if isinstance(event, Attempt | AttemptFailed)), default=0)
    last = [event for event in events[since:] if isinstance(event, TextDelta | ReasoningDelta)]
    assert reducer.state.deltas == len(last) == len(reducer.text) + len(reducer.reasoning)
    assert reducer.state.has_reasoning is any(isinstance(event, ReasoningDelta) for event in last)


# Cost.


def test_charges_of_all_attempts_add_up() -> None:
    state = ended(attempt(1), charge("0.01", exact=False), failed(2), attempt(3), text("x"), charge("0.02"), finished())
    assert (state.cost, state.cost_estimated) == (Decimal("0.03"), True)


@pytest.mark.parametrize("cost", ["0.0121", "0", None])
def test_an_unknown_cost_stays_unknown(cost: str | None) -> None:
    assert ended(text("x"), charge(cost), finished()).cost == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_an_answer_that_broke_off_costs_its_estimate(status: Status) -> None:
    state = ended(attempt(1), text("x"), charge("0.0012", exact=False), status=status)
    assert (state.status, state.cost, state.cost_estimated) == (status, Decimal("0.0012"), True)


def test_a_call_that_sent_no_request_costs_nothing() -> None:
    waiting = Waiting(reason="rate limit", message="", seconds=None, time=1)
    assert ended(waiting, status=Status.CANCELLED).cost == Decimal(0)
    assert ended(status=Status.CANCELLED).cost == Decimal(0)


def test_a_request_without_a_charge_costs_something_unknown() -> None:
    assert ended(attempt(1), status=Status.CANCELLED).cost is None


def test_a_free_model_costs_nothing_even_when_it_fails() -> None:
    state = ended(attempt(1), text("x"), charge("0", exact=False), status=Status.FAILED, free=True)
    assert (state.free, state.cost, state.cost_estimated) == (True, Decimal(0), False)


def test_a_free_model_that_was_charged_is_not_free() -> None:
    state = ended(attempt(1), text("x"), charge("0.5"), finished(), free=True)
    assert (state.free, state.cost) == (False, Decimal("0.5"))


# Tokens and times.


def test_deltas_stand_for_tokens_until_the_provider_has_counted() -> None:
    reducer = reduced(text("ab", 1), text("cd", 2))
    assert (reducer.state.tokens, reducer.state.tokens_exact) == (2, False)
    reducer.apply(UsageUpdate(TokenUsage(completion_tokens=9), 2.5))
    reducer.apply(finished(time=3))
    assert (reducer.state.tokens, reducer.state.tokens_exact) == (9, True)
    assert reducer.state.tokens_per_second == pytest.approx(8.0)


def test_an_early_count_is_none_of_a_broken_answer() -> None:
    usage = UsageUpdate(TokenUsage(completion_tokens=1), 1)
    state = ended(usage, text("a"), text("b"), text("c"), status=Status.FAILED)
    assert (state.tokens, state.tokens_exact) == (3, False)
    assert state.usage is not None
    assert (state.usage.completion_tokens, state.usage.source) == (3, "estimated")


def test_hidden_reasoning_does_not_make_an_answer_faster() -> None:
    usage = UsageUpdate(TokenUsage(completion_tokens=1011, reasoning_tokens=1000), 2)
    state = ended(text("a", 1), text("b", 2), usage, finished(time=2))
    assert state.tokens == 1011
    assert state.tokens_per_second == pytest.approx(10.0)


def test_shown_reasoning_counts_for_the_rate() -> None:
    usage = UsageUpdate(TokenUsage(completion_tokens=21, reasoning_tokens=10), 2)
    assert ended(thought("a", 1), text("b", 2), usage, finished(time=2)).tokens_per_second == pytest.approx(20.0)


def test_tokens_of_one_moment_have_no_rate() -> None:
    assert ended(text("a", 1), text("b", 1), finished()).tokens_per_second is None


def test_times_count_from_the_request_that_was_answered() -> None:
    state = reduced(attempt(12), text("a", 12.5), text("b", 14.5), finished(time=15), started=10).final(Status.DONE, 99)
    assert (state.ttft, state.latency, state.waited, state.elapsed(60)) == (0.5, 3, 2, 5)
    assert state.tokens_per_second == pytest.approx(1 / 2.0)


def test_an_answer_in_one_piece_has_no_first_token() -> None:
    state = reduced(text("all of it", 4), finished(time=4), streamed=False).final(Status.DONE, 9)
    assert (state.ttft, state.latency) == (None, 4)


def test_an_empty_answer_has_no_first_token() -> None:
    state = ended(finished())
    assert (state.status, state.ttft, state.tokens_per_second) == (Status.DONE, None, None)
