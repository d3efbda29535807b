"""Fallback: the model used after a failure, and the notice about it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Event, Finished, FinishReason, Notice, ProviderError, TextDelta
from swebench_providers.policies.fallback import Chains, Fallback, Route
from swebench_providers.types.events import Attempt, AttemptFailed, Waiting
from tests.providers.policies.fake_streamer import FakeStreamer, Script, collect, collect_with_error, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

GOOD: Script = [text("whole"), done()]


async def play(streams: Fallback, clock: VirtualClock) -> list[Event]:
    task = asyncio.create_task(collect(streams))
    await clock.run_until(task.done)
    return await task


def fallback(
    clock: VirtualClock, *providers: FakeStreamer, restart: bool = False, **chains: tuple[Route, ...]
) -> Fallback:
    primary = tuple(Route(f"p{n}", f"m{n}", provider) for n, provider in enumerate(providers))
    return Fallback(Chains(primary=primary, **chains), restart=restart, clock=clock)


async def test_the_next_model_answers_and_a_notice_says_why() -> None:
    clock = VirtualClock()
    first, second = FakeStreamer(clock, [error(ErrorKind.OVERLOADED)], name="p0"), FakeStreamer(clock, GOOD, name="p1")
    events = await play(fallback(clock, first, second), clock)
    failed = next(event for event in events if isinstance(event, AttemptFailed))
    assert (failed.provider, failed.model, failed.error.kind) == ("p0", "m0", ErrorKind.OVERLOADED)
    assert "p0:m0 failed: it was overloaded. Trying p1:m1." in [e.message for e in events if isinstance(e, Notice)]
    assert [request.model for request in second.requests] == ["m1"]


async def test_a_long_prompt_goes_only_to_the_too_long_chain() -> None:
    clock = VirtualClock()
    first, second, larger = (
        FakeStreamer(clock, [error(ErrorKind.CONTEXT_OVERFLOW, status=400)]),
        FakeStreamer(clock, GOOD),
        FakeStreamer(clock, GOOD),
    )
    with pytest.raises(ProviderError, match="context_overflow"):
        await play(fallback(clock, first, second), clock)
    await play(fallback(clock, first, second, too_long=(Route("p", "large", larger),)), clock)
    assert (len(second.requests), len(larger.requests)) == (0, 1)


async def test_a_refusal_in_an_answer_goes_to_the_filtered_chain() -> None:
    clock = VirtualClock()
    first, other = FakeStreamer(clock, [done(reason=FinishReason.REFUSAL)]), FakeStreamer(clock, GOOD)
    events = await play(fallback(clock, first, filtered=(Route("p", "other", other),)), clock)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["whole"]


async def test_each_model_is_tried_once_and_the_last_error_raised() -> None:
    clock = VirtualClock()
    providers = [FakeStreamer(clock, [error(ErrorKind.TRANSIENT)]) for _ in range(4)]
    with pytest.raises(ProviderError, match="transient"):
        await play(fallback(clock, *providers), clock)
    assert [(len(provider.requests), provider.open) for provider in providers] == [(1, 0)] * 4


async def test_a_partial_answer_is_not_continued_by_another_model() -> None:
    clock = VirtualClock()
    first, second = FakeStreamer(clock, [text("half"), error(ErrorKind.INCOMPLETE)]), FakeStreamer(clock, GOOD)
    with pytest.raises(ProviderError, match="incomplete"):
        await play(fallback(clock, first, second), clock)
    assert second.requests == []


async def test_18_with_all_circuits_open_the_earliest_is_used() -> None:
    clock = VirtualClock()
    shut = [error(ErrorKind.OVERLOADED, after=wait, status=None, reason="circuit_open") for wait in (40.0, 15.0)]
    first, second = FakeStreamer(clock, [shut[0]], GOOD), FakeStreamer(clock, [shut[1]], GOOD)
    events = await play(fallback(clock, first, second), clock)
    waiting = next(event for event in events if isinstance(event, Waiting))
    assert (waiting.reason, waiting.seconds, clock.now()) == ("circuit open", 15.0, 15.0)


async def test_an_open_circuit_is_waited_for_exactly_its_time() -> None:
    """The time counts from the error that named it, whatever else was tried in the meantime."""
    clock = VirtualClock()
    shut = error(ErrorKind.OVERLOADED, after=40.0, status=None, reason="circuit_open")
    first, slow = FakeStreamer(clock, [shut], GOOD), FakeStreamer(clock, [error(ErrorKind.TIMEOUT)])
    slow.before_failing = lambda: clock.advance(30.0)
    await play(fallback(clock, first, slow), clock)
    assert clock.slept == [10.0]
    assert (len(first.requests), len(slow.requests)) == (2, 1)  # a route that has failed is not used again


async def test_a_circuit_open_beyond_the_maximum_wait_fails_the_call() -> None:
    clock = VirtualClock()
    shut = error(ErrorKind.OVERLOADED, after=700.0, status=None, reason="circuit_open")
    with pytest.raises(ProviderError, match="overloaded"):
        await play(fallback(clock, FakeStreamer(clock, [shut])), clock)
    assert clock.slept == []


async def test_a_circuit_without_a_time_is_tried_boundedly_with_waits() -> None:
    clock = VirtualClock()
    shut = error(ErrorKind.OVERLOADED, after=0.0, status=None, reason="circuit_open")
    provider = FakeStreamer(clock, [shut])
    with pytest.raises(ProviderError, match="overloaded"):
        await play(fallback(clock, provider), clock)
    assert len(provider.requests) == 40
    assert min(clock.slept) > 0


async def test_a_too_long_prompt_never_returns_to_the_primary_models() -> None:
    clock = VirtualClock()
    first, second = FakeStreamer(clock, [error(ErrorKind.CONTEXT_OVERFLOW, status=400)]), FakeStreamer(clock, GOOD)
    large, larger = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)]), FakeStreamer(clock, GOOD)
    chain = (Route("p", "large", large), Route("p", "larger", larger))
    await play(fallback(clock, first, second, too_long=chain), clock)
    assert (len(second.requests), len(large.requests), len(larger.requests)) == (0, 1, 1)
    with pytest.raises(ProviderError, match="transient"):
        await play(fallback(clock, first, second, too_long=chain[:1]), clock)
    assert second.requests == []


async def test_a_filtered_prompt_never_returns_to_the_primary_models() -> None:
    clock = VirtualClock()
    first, second = FakeStreamer(clock, [error(ErrorKind.CONTENT_FILTER, status=400)]), FakeStreamer(clock, GOOD)
    lenient = FakeStreamer(clock, [error(ErrorKind.TRANSIENT)])
    with pytest.raises(ProviderError, match="transient"):
        await play(fallback(clock, first, second, filtered=(Route("p", "lenient", lenient),)), clock)
    assert (len(second.requests), len(lenient.requests)) == (0, 1)


async def test_a_too_long_prompt_waits_only_for_a_large_model() -> None:
    clock = VirtualClock()
    first = FakeStreamer(clock, [error(ErrorKind.CONTEXT_OVERFLOW, status=400)])
    large = FakeStreamer(clock, [error(ErrorKind.OVERLOADED, after=9.0, status=None, reason="circuit_open")], GOOD)
    await play(fallback(clock, first, too_long=(Route("p", "large", large),)), clock)
    assert (len(first.requests), len(large.requests), clock.slept) == (1, 2, [9.0])


async def test_a_refusal_without_an_alternative_reaches_the_caller_unchanged() -> None:
    clock = VirtualClock()
    refusal = Finished(reason=FinishReason.REFUSAL, time=0.0, raw_reason="refusal", refusal="I will not.", category="x")
    shown: Script = [text("I will not."), refusal]
    for script, expected in (([refusal], 1), (shown, 0)):  # after text was shown no other model is used
        first, other = FakeStreamer(clock, script), FakeStreamer(clock, [refusal])
        for chain in ((), (Route("p", "other", other),)):
            assert (await play(fallback(clock, first, filtered=chain), clock))[-1] == refusal
        assert len(other.requests) == expected


async def test_a_refusal_stands_if_all_alternatives_have_open_circuits() -> None:
    clock = VirtualClock()
    shut = error(ErrorKind.OVERLOADED, after=9.0, status=None, reason="circuit_open")
    both = Route("p", "both", FakeStreamer(clock, [shut]))
    first = Route("p", "first", FakeStreamer(clock, [done(reason=FinishReason.CONTENT_FILTER)]))
    events = await play(Fallback(Chains(primary=(both, first), filtered=(both,)), clock=clock), clock)
    assert events[-1] == done(reason=FinishReason.CONTENT_FILTER)


async def test_a_notice_says_that_the_partial_answer_is_discarded() -> None:
    clock = VirtualClock()
    first, second = FakeStreamer(clock, [text("half"), error(ErrorKind.INCOMPLETE)]), FakeStreamer(clock, GOOD)
    events = await play(fallback(clock, first, second, restart=True), clock)
    failed = next(index for index, event in enumerate(events) if isinstance(event, AttemptFailed))
    assert [event.text for event in events[failed:] if isinstance(event, TextDelta)] == ["whole"]
    assert any("The partial answer is discarded" in event.message for event in events if isinstance(event, Notice))


failures = st.one_of(
    st.sampled_from([kind for kind in ErrorKind if kind is not ErrorKind.OVERLOADED]).map(error),
    st.floats(0, 300).map(lambda after: error(ErrorKind.OVERLOADED, after=after, reason="circuit_open")),
    st.sampled_from(FinishReason).map(lambda reason: done(reason=reason)),
)
scripts = st.tuples(st.booleans(), failures).map(lambda drawn: [text(), drawn[1]] if drawn[0] else [drawn[1]])
played = st.lists(scripts, min_size=1, max_size=4)


@given(
    primary=st.lists(played, min_size=1, max_size=3),
    too_long=st.lists(played, max_size=2),
    filtered=st.lists(played, max_size=2),
    restart=st.booleans(),
)
async def test_any_failures_keep_the_prompt_in_its_chain(
    *, primary: list[list[Script]], too_long: list[list[Script]], filtered: list[list[Script]], restart: bool
) -> None:
    clock = VirtualClock()

    def chain(name: str, them: list[list[Script]]) -> tuple[Route, ...]:
        return tuple(Route(name, f"{name}{n}", FakeStreamer(clock, *each, name=name)) for n, each in enumerate(them))

    chains = Chains(
        primary=chain("usual", primary), too_long=chain("too_long", too_long), filtered=chain("filtered", filtered)
    )
    task = asyncio.create_task(collect_with_error(Fallback(chains, restart=restart, clock=clock)))
    await clock.run_until(task.done)
    events, failed = task.result()

    assert clock.now() <= 600.0
    assert isinstance(events[-1], Finished) is (failed is None)
    began = [event.model for event in events if isinstance(event, Attempt)]
    failures = [event for event in events if isinstance(event, AttemptFailed)]
    assert len(began) == len(failures) + 1
    own = [event.model for event in failures if event.error.reason != "circuit_open"]
    assert len(own) == len(set(own))  # no route is used again after it has failed
    about_the_prompt = {ErrorKind.CONTEXT_OVERFLOW, ErrorKind.CONTENT_FILTER}
    first = next((n for n, event in enumerate(failures) if event.error.kind in about_the_prompt), len(began))
    assert not any(model.startswith("usual") for model in began[first + 1 :])
    if not restart:
        shown = next((n for n, event in enumerate(events) if isinstance(event, TextDelta)), len(events))
        assert not any(isinstance(event, Attempt) for event in events[shown:])
