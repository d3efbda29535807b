"""Spans and metrics of attempts: one span for each, under the caller's own, without any text."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode

from swebench_providers import ErrorKind, ProviderError, UnifiedRequest
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings, CircuitBreaker
from swebench_providers.policies.breaker_policy import CircuitBreakerPolicy
from swebench_providers.policies.observer import ObserverPolicy
from swebench_providers.policies.retry import Retry
from swebench_providers.policies.telemetry import Name, Telemetry
from swebench_providers.types.events import Attempt, Event, Finished, UsageUpdate
from swebench_providers.types.messages import FinishReason
from swebench_providers.types.usage import TokenUsage
from tests.fault_server import FaultServer, Script, failing
from tests.providers.dialects import KEY, provider_for
from tests.providers.policies.fake_streamer import REQUEST, FakeStreamer, collect, done, error, text
from tests.providers.policies.virtual_time import VirtualClock

EPOCH = 1_800_000_000_000_000_000  # nanoseconds since 1970 when the virtual clock is at 0
SECOND = 1_000_000_000
USAGE = TokenUsage(prompt_tokens=40, completion_tokens=7, cached_tokens=30, reasoning_tokens=5)


class Recorded:
    """Telemetry in virtual time, and all that it has recorded."""

    def __init__(self, clock: VirtualClock, *, servers: dict[str, str] | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(
            servers=servers,
            tracer_provider=self.tracers,
            meter_provider=MeterProvider([self._reader], shutdown_on_exit=False),
            clock=clock,
            epoch=lambda: EPOCH + round(clock.now() * SECOND),
        )

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def points(self, name: Name) -> list[HistogramDataPoint]:
        """The data points of an instrument."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return [point for metric in metrics if isinstance(metric.data, Histogram) for point in metric.data.data_points]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def recorded(clock: VirtualClock) -> Recorded:
    return Recorded(clock)


def answer(time: float = 0.0) -> list[Event]:
    end = Finished(reason=FinishReason.LENGTH, time=time, model="m-2026-01", request_id="req_1")
    return [text(time=time - 1), UsageUpdate(USAGE, time), end]


async def attempt(recorded: Recorded, clock: VirtualClock, *scripts: Sequence[Event | ProviderError]) -> None:
    retry = Retry(FakeStreamer(clock, *scripts), clock=clock, draw=lambda: 1.0)
    task = asyncio.create_task(collect(ObserverPolicy(retry, [recorded.telemetry], clock=clock)))
    await clock.run_until(task.done)
    await task


async def test_an_answer_is_a_span_with_request_and_response_attributes(clock: VirtualClock) -> None:
    recorded = Recorded(clock, servers={"acme": "https://user:pass@api.acme.example/v1/secret-path"})
    clock.advance(100.0)
    request = UnifiedRequest(
        model="m", prompt="?", max_tokens=50, temperature=0.5, top_p=0.9, seed=7, reasoning_effort="low"
    )
    await collect(ObserverPolicy(FakeStreamer(clock, answer(time=103.5)), [recorded.telemetry], clock=clock), request)
    [span] = recorded.spans
    assert (span.name, span.kind, span.status.status_code) == ("chat m", SpanKind.CLIENT, StatusCode.UNSET)
    assert (span.start_time, span.end_time) == (EPOCH + 100 * SECOND, EPOCH + 103.5 * SECOND)
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "m",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 7,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "m-2026-01",
        "gen_ai.response.id": "req_1",
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.response.time_to_first_chunk": 2.5,
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "server.address": "api.acme.example",
        "server.port": 443,
    }


async def test_a_retry_has_its_own_span_beside_the_failed_one(clock: VirtualClock, recorded: Recorded) -> None:
    await attempt(recorded, clock, [error(ErrorKind.OVERLOADED, after=7.0)], answer(time=9.0))
    failed, whole = recorded.spans
    assert (failed.status.status_code, whole.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert (failed.status.description, (failed.attributes or {})[Name.ERROR]) == (None, "overloaded")
    assert Name.ERROR not in (whole.attributes or {})
    assert failed.end_time is not None
    assert whole.start_time is not None
    assert failed.end_time < whole.start_time


async def test_a_cancelled_attempt_is_a_span_of_type_cancelled(clock: VirtualClock, recorded: Recorded) -> None:
    played = FakeStreamer(clock, [text(time=0.0), asyncio.Event()])
    task = asyncio.create_task(collect(ObserverPolicy(played, [recorded.telemetry], clock=clock)))
    await played.waits.wait()
    clock.advance(2.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    [span] = recorded.spans
    assert (span.status.status_code, (span.attributes or {})[Name.ERROR]) == (StatusCode.ERROR, "cancelled")
    assert span.end_time == EPOCH + 2 * SECOND


async def test_an_attempt_stopped_before_it_is_sent_has_no_span(clock: VirtualClock, recorded: Recorded) -> None:
    async with aclosing(
        ObserverPolicy(FakeStreamer(clock, [done()]), [recorded.telemetry]).stream_unified(REQUEST)
    ) as events:
        async for event in events:
            assert isinstance(event, Attempt)
            break
    assert recorded.spans == []


async def test_a_refusal_without_an_attempt_has_no_span(clock: VirtualClock, recorded: Recorded) -> None:
    breaker = CircuitBreaker("acme:m", BreakerSettings(minimum_calls=1), clock=clock)
    breaker.admit().failed(error(ErrorKind.TRANSIENT))
    refusing = CircuitBreakerPolicy(FakeStreamer(clock, [done()]), breaker)
    with pytest.raises(ProviderError, match="no requests to"):
        await collect(ObserverPolicy(refusing, [recorded.telemetry], clock=clock))
    assert recorded.spans == []


async def test_spans_are_children_of_each_tasks_current_span(clock: VirtualClock, recorded: Recorded) -> None:
    tracer = recorded.tracers.get_tracer("caller")
    observed = ObserverPolicy(FakeStreamer(clock, answer()), [recorded.telemetry], clock=clock)

    async def call(number: int) -> None:
        with tracer.start_as_current_span(f"caller {number}"):
            await collect(observed)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(call(number))
    callers = {span.context.span_id for span in recorded.spans if span.name.startswith("caller")}
    parents = [span.parent.span_id for span in recorded.spans if span.name == "chat m" and span.parent]
    assert len(parents) == 5
    assert set(parents) == callers


async def test_equal_attempts_are_not_mixed_up(clock: VirtualClock, recorded: Recorded) -> None:
    gate = asyncio.Event()
    played = FakeStreamer(clock, [gate, *answer()], [error(ErrorKind.AUTH)])
    first = asyncio.create_task(collect(ObserverPolicy(played, [recorded.telemetry], clock=clock)))
    await played.waits.wait()
    other = UnifiedRequest(model="m", prompt="?", seed=2)
    with pytest.raises(ProviderError):
        await collect(ObserverPolicy(played, [recorded.telemetry], clock=clock), other)
    gate.set()
    await first
    failed, whole = (span.attributes or {} for span in recorded.spans)
    assert (failed[Name.ERROR], failed[Name.SEED]) == ("auth", 2)
    assert Name.ERROR not in whole
    assert Name.SEED not in whole


async def test_estimated_tokens_are_not_recorded(clock: VirtualClock, recorded: Recorded) -> None:
    guess = UsageUpdate(TokenUsage(prompt_tokens=9, completion_tokens=9, source="estimated"), 0.0)
    await attempt(recorded, clock, [text(), guess, done()])
    [span] = recorded.spans
    assert Name.INPUT_TOKENS not in (span.attributes or {})
    assert recorded.points(Name.TOKENS_USED) == []


async def test_metrics_of_tokens_and_durations_are_by_outcome(clock: VirtualClock, recorded: Recorded) -> None:
    await attempt(recorded, clock, [error(ErrorKind.TRANSIENT, after=1.0)], answer(time=3.0))
    tokens = {(point.attributes or {})[Name.TOKEN_TYPE]: point.sum for point in recorded.points(Name.TOKENS_USED)}
    assert tokens == {"input": 40, "output": 7}
    durations = recorded.points(Name.DURATION)
    assert {(point.attributes or {}).get(Name.ERROR): point.count for point in durations} == {"transient": 1, None: 1}


@pytest.mark.parametrize(
    ("name", "known_as"), [("openai", "openai"), ("azure", "azure.ai.openai"), ("gemini", "gcp.gemini")]
)
async def test_providers_have_the_names_of_the_conventions(
    clock: VirtualClock, recorded: Recorded, name: str, known_as: str
) -> None:
    await collect(ObserverPolicy(FakeStreamer(clock, [done()], name=name), [recorded.telemetry], clock=clock))
    [span] = recorded.spans
    assert (span.attributes or {})[Name.PROVIDER] == known_as


def test_the_names_are_those_of_the_conventions() -> None:
    published = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    ours = {name for name in Name if name.startswith("gen_ai.") and not name.startswith("gen_ai.client.")}
    assert ours - published == {Name.EFFORT}  # newer than the package that publishes them


PROMPT, SYSTEM, ANSWER, STOP = "canary-prompt-5e1", "canary-system-8c2", "canary-answer-a93", "canary-stop-d04"


@pytest.mark.parametrize(
    "script",
    [
        Script(f"{ANSWER} goes on", headers={"x-request-id": KEY}),
        Script(f"{ANSWER} goes on", headers={"x-request-id": f"you said {PROMPT}"}),
        failing(400, f"bad key {KEY} for {PROMPT}"),
        failing(503, f"{KEY} {PROMPT} {ANSWER}"),
    ],
    ids=["key as number", "prompt as number", "refused", "failed"],
)
async def test_no_text_and_no_key_is_in_any_span(
    script: Script, fault_server: FaultServer, transport: Transport, clock: VirtualClock
) -> None:
    fault_server.default = script
    recorded = Recorded(clock, servers={"compatible": f"https://{KEY}@api.example/{KEY}?key={KEY}"})
    provider = provider_for(fault_server.base_url, "compatible", transport)
    coordinator = ProviderCoordinator([provider], observers=[recorded.telemetry], draw=lambda: 0.0)
    request = UnifiedRequest(model="m", prompt=PROMPT, system_message=SYSTEM, stop_sequences=(STOP,))
    await asyncio.gather(coordinator.generate_with_fallback(request), return_exceptions=True)
    assert len(recorded.spans) == len(fault_server.requests)
    exported = "".join(span.to_json() for span in recorded.spans)
    exported += str([recorded.points(name) for name in (Name.DURATION, Name.TOKENS_USED)])
    assert "api.example" in exported
    for canary in (PROMPT, SYSTEM, ANSWER, STOP, KEY, KEY[:20]):
        assert canary not in exported


def test_opentelemetry_is_imported_only_when_used() -> None:
    program = "import sys, swebench_providers.coordinator.coordinator; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_the_extra_the_error_names_it() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None\nimport swebench_providers.policies.telemetry"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: spans and metrics need the package opentelemetry-api")
    assert "pip install 'swebench-tui[otel]'" in last
