"""Another key, or another model: who is asked after a failure, and what is said about it."""

from __future__ import annotations

import asyncio

import pytest

from swebench_providers import ErrorKind, Event, FinishReason, Notice, ProviderError, TextDelta
from swebench_providers.events import AttemptFailed, Waiting
from swebench_providers.policies.fallback import Chains, Fallback, Route
from swebench_providers.policies.keys import KeyChoice, KeyHealth, KeyRoute
from swebench_providers.policies.rate_limit import TokenBucketLimiter, demand_of
from swebench_providers.policies.retry import Retry
from tests.providers.policies.played import Played, Script, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

GOOD: Script = [text("whole"), done()]


async def play(streams: Retry | Fallback, clock: VirtualClock) -> list[Event]:
    task = asyncio.create_task(collect(streams))
    await clock.run_until(task.done)
    return await task


def keyed(clock: VirtualClock, *providers: Played) -> tuple[Retry, KeyHealth, list[TokenBucketLimiter]]:
    health = KeyHealth(clock=clock)
    limiters = [TokenBucketLimiter(clock=clock) for _ in providers]
    routes = [
        KeyRoute(f"key {n}", provider, limiter)
        for n, (provider, limiter) in enumerate(zip(providers, limiters, strict=True))
    ]
    choice = KeyChoice(routes, demand=lambda _: demand_of(1, 1), health=health, clock=clock)
    return Retry(choice, clock=clock, draw=lambda: 1.0), health, limiters


async def test_a_bad_key_is_set_aside_and_the_others_go_on() -> None:
    clock = VirtualClock()
    bad, good = Played(clock, [error(ErrorKind.AUTH, status=401)]), Played(clock, GOOD)
    retry, health, _ = keyed(clock, bad, good)
    for _ in range(3):
        await play(retry, clock)
    assert (len(bad.requests), len(good.requests), clock.slept) == (1, 3, [])
    aside = health.why_aside("key 0")
    assert aside is not None
    assert aside.reason == "it was auth"
    health.reinstate("key 0")
    assert health.why_aside("key 0") is None


async def test_the_last_key_is_never_set_aside_so_that_the_providers_own_words_are_heard() -> None:
    clock = VirtualClock()
    keys = [Played(clock, [error(ErrorKind.AUTH, status=401)]) for _ in range(3)]
    retry, health, _ = keyed(clock, *keys)
    with pytest.raises(ProviderError, match="it was auth"):
        await play(retry, clock)
    assert [len(key.requests) for key in keys] == [1, 1, 1]
    assert [health.why_aside(f"key {n}") is None for n in range(3)].count(True) == 1


async def test_a_key_without_credit_is_tried_again_after_a_while_and_one_barred_from_a_model_serves_others() -> None:
    clock = VirtualClock()
    health = KeyHealth(clock=clock)
    health.set_aside("a", "m", error(ErrorKind.QUOTA_EXHAUSTED))
    health.set_aside("b", "m", error(ErrorKind.AUTH, status=403))
    assert (health.why_aside("a") is None, health.why_aside("b", "m") is None, health.why_aside("b", "n") is None) == (
        False,
        False,
        True,
    )
    clock.advance(1_000)
    assert health.why_aside("a") is None


async def test_after_a_refusal_the_key_with_room_goes_next_at_once() -> None:
    clock = VirtualClock()
    refused, free = Played(clock, [error(ErrorKind.RATE_LIMITED, after=60.0, status=429)]), Played(clock, GOOD)
    retry, _, limiters = keyed(clock, refused, free)
    refused.before_failing = lambda: limiters[0].pause(60.0)  # what the rate limit policy inside does
    task = asyncio.create_task(collect(retry))
    await clock.run_until(task.done)
    assert (len(free.requests), clock.now() < 5) == (1, True)


def falling(clock: VirtualClock, *providers: Played, **chains: tuple[Route, ...]) -> Fallback:
    usual = tuple(Route(f"p{n}", f"m{n}", provider) for n, provider in enumerate(providers))
    return Fallback(Chains(usual=usual, **chains), clock=clock)


async def test_the_next_model_answers_and_the_user_is_told_why() -> None:
    clock = VirtualClock()
    first, second = Played(clock, [error(ErrorKind.OVERLOADED)], name="p0"), Played(clock, GOOD, name="p1")
    events = await play(falling(clock, first, second), clock)
    failed = next(event for event in events if isinstance(event, AttemptFailed))
    assert (failed.provider, failed.model, failed.error.kind) == ("p0", "m0", ErrorKind.OVERLOADED)
    assert "p1:m1 answers instead of p0:m0: it was overloaded" in [e.message for e in events if isinstance(e, Notice)]
    assert [request.model for request in second.requests] == ["m1"]


async def test_a_prompt_that_is_too_long_goes_to_the_chain_for_that_and_nowhere_else() -> None:
    clock = VirtualClock()
    first, second, larger = (
        Played(clock, [error(ErrorKind.CONTEXT_OVERFLOW, status=400)]),
        Played(clock, GOOD),
        Played(clock, GOOD),
    )
    with pytest.raises(ProviderError, match="context_overflow"):
        await play(falling(clock, first, second), clock)
    await play(falling(clock, first, second, too_long=(Route("p", "large", larger),)), clock)
    assert (len(second.requests), len(larger.requests)) == (0, 1)


async def test_a_refusal_in_an_answer_goes_to_the_chain_for_what_was_filtered() -> None:
    clock = VirtualClock()
    first, other = Played(clock, [done(reason=FinishReason.REFUSAL)]), Played(clock, GOOD)
    events = await play(falling(clock, first, filtered=(Route("p", "other", other),)), clock)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["whole"]


async def test_each_model_is_asked_once_and_the_last_words_are_the_error() -> None:
    clock = VirtualClock()
    providers = [Played(clock, [error(ErrorKind.TRANSIENT)]) for _ in range(4)]
    with pytest.raises(ProviderError, match="transient"):
        await play(falling(clock, *providers), clock)
    assert [(len(provider.requests), provider.open) for provider in providers] == [(1, 0)] * 4


async def test_an_answer_that_was_shown_in_part_is_not_continued_by_another_model() -> None:
    clock = VirtualClock()
    first, second = Played(clock, [text("half"), error(ErrorKind.INCOMPLETE)]), Played(clock, GOOD)
    with pytest.raises(ProviderError, match="incomplete"):
        await play(falling(clock, first, second), clock)
    assert second.requests == []


async def test_18_where_all_circuits_are_open_the_earliest_opening_is_waited_for() -> None:
    clock = VirtualClock()
    shut = [error(ErrorKind.OVERLOADED, after=wait, status=None, reason="circuit_open") for wait in (40.0, 15.0)]
    first, second = Played(clock, [shut[0]], GOOD), Played(clock, [shut[1]], GOOD)
    events = await play(falling(clock, first, second), clock)
    waiting = next(event for event in events if isinstance(event, Waiting))
    assert (waiting.reason, waiting.seconds, clock.now()) == ("circuit open", 15.0, 15.0)
