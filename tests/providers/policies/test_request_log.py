"""The request log: a record for each attempt, also if it was cancelled or never sent, and no text in any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing
from decimal import Decimal

import pytest

from swebench_providers import ProviderError, TimeLimits, UnifiedRequest
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.provider import HTTPProvider
from swebench_providers.types.events import Event, TextDelta, Waiting
from tests.fault_server import Ending, FaultServer, Script, failing
from tests.providers.dialects import KEY, provider_for

PROMPT, SYSTEM, ANSWER, STOP, METADATA = (
    f"canary-{word}" for word in ("prompt", "system", "answer", "stop", "metadata")
)
REQUEST = UnifiedRequest(
    model="m", prompt=PROMPT, system_message=SYSTEM, stop_sequences=(STOP,), metadata={"note": METADATA}, max_tokens=50
)
STALLING = Script(f"{ANSWER} goes on", ending=Ending.STALL, after=1)
FIELDS = {
    *("provider", "model", "key", "latency_ms", "ttft_ms", "outcome", "error_kind", "status", "retry", "sent"),
    *("prompt_tokens", "completion_tokens", "request_id"),
}


class Records(logging.Handler):
    """What a handler of the program would write: the message and every field."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def fields(self, *names: str) -> list[tuple[object, ...]]:
        return [tuple(vars(record)[name] for name in names) for record in self.records]

    def written(self) -> str:
        return "\n".join(f"{self.format(record)} {vars(record)}" for record in self.records)


@pytest.fixture
def log() -> Iterator[Records]:
    """The request log alone: it is promised to be free of text, at every level."""
    kept, logger = Records(), logging.getLogger("swebench_providers.requests")
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield kept
    logger.setLevel(before)
    logger.removeHandler(kept)


@pytest.fixture
def bare(fault_server: FaultServer, transport: Transport) -> HTTPProvider:
    return provider_for(fault_server.base_url, "compatible", transport, time_limits=TimeLimits(connect=2.0))


ONE_TRY = RetrySettings(attempts=1)


async def failure(coordinator: ProviderCoordinator) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await coordinator.generate_with_fallback(REQUEST)
    return caught.value


async def until(coordinator: ProviderCoordinator, kind: type[Event], arrived: asyncio.Event) -> None:
    """Read an answer to its end; `arrived` is set by the first event of a kind."""
    async with aclosing(coordinator.stream_with_fallback(REQUEST)) as events:
        async for event in events:
            if isinstance(event, kind):
                arrived.set()


async def given_up(coordinator: ProviderCoordinator, kind: type[Event]) -> None:
    arrived = asyncio.Event()
    task = asyncio.create_task(until(coordinator, kind, arrived))
    await arrived.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


ECHOES = {
    "answer": Script(ANSWER),
    "answer, the key as its number": Script(ANSWER, headers={"x-request-id": KEY}),
    "answer, the prompt as its number": Script(ANSWER, headers={"x-request-id": f"for {PROMPT}"}),
    "refusal": failing(400, f"{KEY} may not ask {PROMPT} {SYSTEM} {STOP}"),
    "refusal, the key as its number": Script(status=400, headers={"x-request-id": KEY}),
    "bad key": failing(401, f"Incorrect API key provided: {KEY}"),
    "failure": failing(500, f"{KEY} {PROMPT} {ANSWER}"),
    "cut answer": Script(f"{ANSWER} goes on", ending=Ending.TRUNCATED, after=1),
    "error in the stream": Script(ANSWER, ending=Ending.ERROR, error_message=f"{KEY} {PROMPT}"),
    "no JSON": Script(status=502, body=f"<h1>{KEY} {PROMPT}</h1>".encode()),
}


@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_a_record_holds_no_text_and_no_key(
    script: Script, log: Records, bare: HTTPProvider, fault_server: FaultServer, *, stream: bool
) -> None:
    fault_server.default = script
    coordinator = ProviderCoordinator([bare], Policies(retry=RetrySettings(attempts=2)), draw=lambda: 0.0)
    request = UnifiedRequest(
        model="m",
        prompt=PROMPT,
        system_message=SYSTEM,
        stop_sequences=(STOP,),
        metadata={"note": METADATA},
        stream=stream,
    )
    await asyncio.gather(coordinator.generate_with_fallback(request), return_exceptions=True)
    assert len(log.records) == len(fault_server.requests) > 0
    assert all(vars(record).keys() >= FIELDS for record in log.records)
    assert all(record.exc_info is None and record.stack_info is None for record in log.records)
    for canary in (PROMPT, SYSTEM, ANSWER, STOP, METADATA, KEY, KEY[:20]):
        assert canary not in log.written()


async def test_each_attempt_of_a_call_is_logged(log: Records, bare: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.enqueue(failing(500), failing(429, retry_after="0"))
    await ProviderCoordinator([bare], draw=lambda: 0.0).generate_with_fallback(REQUEST)
    fields = log.fields("outcome", "error_kind", "status", "retry", "sent", "levelname")
    assert fields == [
        ("failed", "transient", 500, False, True, "WARNING"),
        ("failed", "rate_limited", 429, True, True, "WARNING"),
        ("stop", None, None, True, True, "INFO"),
    ]


async def test_a_cancelled_attempt_is_logged(log: Records, bare: HTTPProvider, fault_server: FaultServer) -> None:
    fault_server.default = STALLING
    await given_up(ProviderCoordinator([bare]), TextDelta)
    assert log.fields("outcome", "error_kind", "sent") == [("cancelled", None, True)]


async def test_a_request_cancelled_in_the_queue_is_logged(
    log: Records, bare: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.default = STALLING
    coordinator = ProviderCoordinator([bare], Policies(limits={"compatible": RateLimits(slots=1)}))
    flowing = asyncio.Event()
    first = asyncio.create_task(until(coordinator, TextDelta, flowing))
    await flowing.wait()
    await given_up(coordinator, Waiting)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert log.fields("provider", "model", "outcome", "sent") == [
        ("compatible", "m", "cancelled", False),
        ("compatible", "m", "cancelled", True),
    ]
    assert len(fault_server.requests) == 1


async def test_a_request_refused_by_the_breaker_is_logged(
    log: Records, bare: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.default = failing(500)
    breaker = BreakerSettings(minimum_calls=1, open_for=60.0)
    coordinator = ProviderCoordinator([bare], Policies(retry=ONE_TRY, breaker=breaker, max_breaker_wait=0.0))
    await failure(coordinator)
    assert (await failure(coordinator)).reason == "circuit_open"
    fields = log.fields("provider", "outcome", "error_kind", "status", "sent")
    assert fields == [
        ("compatible", "failed", "transient", 500, True),
        ("compatible", "failed", "overloaded", None, False),
    ]
    assert coordinator.health()["compatible"].failed == 1


async def test_a_request_stopped_by_a_budget_is_logged_as_unsent(
    log: Records, bare: HTTPProvider, fault_server: FaultServer
) -> None:
    coordinator = ProviderCoordinator([bare], budgets=[Budget("run", Decimal(1))])
    assert (await failure(coordinator)).reason == "unknown_price"
    assert log.fields("outcome", "error_kind", "sent") == [("failed", "quota_exhausted", False)]
    assert fault_server.requests == []
    assert coordinator.health()["compatible"].in_flight == 0


async def test_an_unreachable_server_is_logged(log: Records, bare: HTTPProvider, fault_server: FaultServer) -> None:
    await fault_server.stop_abruptly()
    await failure(ProviderCoordinator([bare], Policies(retry=ONE_TRY)))
    assert log.fields("outcome", "error_kind", "status") == [("failed", "transient", None)]


async def test_cancelling_between_attempts_logs_nothing_more(
    log: Records, bare: HTTPProvider, fault_server: FaultServer
) -> None:
    fault_server.default = failing(503, retry_after="60")
    await given_up(ProviderCoordinator([bare]), Waiting)
    assert log.fields("outcome", "status") == [("failed", 503)]
