"""OpenTelemetry: a span and two metrics for every attempt, by the semantic conventions for generative AI.

    from swebench_providers.policies.telemetry import Telemetry      # needs the extra `otel`
    coordinator = ProviderCoordinator(candidates, observers=[Telemetry()])

A span `chat MODEL` is a child of the span that is current where the answer is read, so a call of three attempts has
three spans under the caller's own. It does nothing unless the program has set up an SDK.

A span holds no text of prompt or answer, no free text from the server and no key: a failure is its `error.type`, one of
`ErrorKind`'s values. Stop sequences are the user's text and left out. Token counts are recorded only if the provider
has counted; estimates are not.

Names: https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-spans.md and gen-ai-metrics.md,
still in development there; `error.type` and `server.*` are stable ones of the general conventions. All are in `Name`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from swebench_providers.policies.log_safe_identifier import log_safe_identifier
from swebench_providers.policies.observer import Outcome
from swebench_providers.types.errors import ErrorKind
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.usage import TokenUsage
from swebench_providers.util.clock import Clock, SystemClock

try:
    from opentelemetry import context, metrics, trace
except ImportError as missing:
    raise ModuleNotFoundError(
        "spans and metrics need the package opentelemetry-api, which is not installed. Install the extra `otel`: "
        "pip install 'swebench-tui[otel]'. If the program was not installed by pip, add opentelemetry-api to its "
        "environment.",
        name=missing.name,
    ) from None

SCOPE: Final = "swebench_providers"
"""The instrumentation scope of all spans and metrics."""


class Name(StrEnum):
    """The names of attributes and instruments."""

    OPERATION = "gen_ai.operation.name"
    PROVIDER = "gen_ai.provider.name"
    REQUEST_MODEL = "gen_ai.request.model"
    MAX_TOKENS = "gen_ai.request.max_tokens"
    TEMPERATURE = "gen_ai.request.temperature"
    TOP_P = "gen_ai.request.top_p"
    SEED = "gen_ai.request.seed"
    STREAM = "gen_ai.request.stream"
    EFFORT = "gen_ai.request.reasoning.level"
    RESPONSE_MODEL = "gen_ai.response.model"
    RESPONSE_ID = "gen_ai.response.id"
    FINISH_REASONS = "gen_ai.response.finish_reasons"
    FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
    INPUT_TOKENS = "gen_ai.usage.input_tokens"
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
    REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
    TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a kind of token, not a password
    ADDRESS = "server.address"
    PORT = "server.port"
    ERROR = "error.type"
    TOKENS_USED = "gen_ai.client.token.usage"
    DURATION = "gen_ai.client.operation.duration"


CHAT: Final = "chat"
"""The operation; the only one here."""

_KNOWN_AS: Final = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
}
"""The conventions' name of a provider, if it differs from ours."""

# The bucket bounds that the conventions advise.
_TOKEN_BOUNDS: Final = [float(4**power) for power in range(14)]
_SECOND_BOUNDS: Final = [0.01 * 2**power for power in range(14)]
_PORTS: Final = {"http": 80, "https": 443}
_NANO: Final = 1_000_000_000

_Attributes = dict[str, str | bool | int | float | tuple[str, ...]]


class Telemetry:
    """An observer that records a span and metrics for every attempt. It may serve several coordinators.

    `servers` are base URLs by provider, of which only host and port are recorded. Failed attempts, and cancelled ones
    (`error.type` is `cancelled`), have the status ERROR. An attempt that was stopped before its request was sent has no
    span. `clock` is the clock of the attempts, `epoch` returns nanoseconds since 1970.
    """

    def __init__(
        self,
        *,
        servers: Mapping[str, str] | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        clock: Clock | None = None,
        epoch: Callable[[], int] = time.time_ns,
    ) -> None:
        self._servers = {name: _host_and_port(url) for name, url in (servers or {}).items()}
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
        self._tokens = meter.create_histogram(
            Name.TOKENS_USED,
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKEN_BOUNDS,
        )
        self._durations = meter.create_histogram(
            Name.DURATION,
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECOND_BOUNDS,
        )
        self._now = (clock or SystemClock()).now
        self._epoch = epoch
        self._in_progress: dict[int, _InProgress] = {}

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        ago = round((self._now() - attempt.time) * _NANO)
        self._in_progress[id(attempt)] = _InProgress(self._epoch() - ago, context.get_current(), request)

    def ended(self, outcome: Outcome) -> None:
        in_progress = self._in_progress.pop(id(outcome.attempt))
        if not outcome.sent:
            return
        failure = _error_type(outcome)
        common = self._common(outcome)
        took = outcome.ended - outcome.began
        # Started only now: until here the request may turn out not to have been sent. The times are the attempt's own.
        span = self._tracer.start_span(
            f"{CHAT} {outcome.model}",
            context=in_progress.parent,
            kind=trace.SpanKind.CLIENT,
            attributes=common,
            start_time=in_progress.started,
        )
        if span.is_recording():
            span.set_attributes(_request_attributes(in_progress.request))
            span.set_attributes({**_response_attributes(outcome), **_usage_attributes(_exact_usage(outcome))})
            if failure is not None:
                span.set_attribute(Name.ERROR, failure)
                span.set_status(trace.StatusCode.ERROR)
        span.end(in_progress.started + round(took * _NANO))
        self._measure(outcome, common, failure, took)

    def _measure(self, outcome: Outcome, common: _Attributes, failure: str | None, took: float) -> None:
        self._durations.record(took, common if failure is None else {**common, Name.ERROR: failure})
        usage = _exact_usage(outcome)
        if usage is not None:
            self._tokens.record(usage.prompt_tokens, {**common, Name.TOKEN_TYPE: "input"})
            self._tokens.record(usage.completion_tokens, {**common, Name.TOKEN_TYPE: "output"})

    def _common(self, outcome: Outcome) -> _Attributes:
        """The attributes of both spans and metrics."""
        return {
            Name.OPERATION: CHAT,
            Name.PROVIDER: _KNOWN_AS.get(outcome.provider, outcome.provider),
            Name.REQUEST_MODEL: outcome.model,
            **self._servers.get(outcome.provider, {}),
        }


class _InProgress(NamedTuple):
    """An attempt in progress; `started` is nanoseconds since 1970."""

    started: int
    parent: context.Context
    request: UnifiedRequest


def _request_attributes(request: UnifiedRequest) -> _Attributes:
    """The parameters that were set, without the prompt."""
    given = {
        Name.MAX_TOKENS: request.max_tokens,
        Name.TEMPERATURE: request.temperature,
        Name.TOP_P: request.top_p,
        Name.SEED: request.seed,
        Name.EFFORT: request.reasoning_effort,
        Name.STREAM: request.stream or None,  # absent if not streamed, as the conventions require
    }
    return {name: value for name, value in given.items() if value is not None}


def _response_attributes(outcome: Outcome) -> _Attributes:
    """The attributes of the answer, without its text and its tokens."""
    finished, error = outcome.finished, outcome.error
    attributes: _Attributes = {}
    if finished is not None:
        attributes[Name.FINISH_REASONS] = (finished.reason.value,)
        if model := log_safe_identifier(finished.model):
            attributes[Name.RESPONSE_MODEL] = model
    if number := log_safe_identifier(finished.request_id if finished else error.request_id if error else None):
        attributes[Name.RESPONSE_ID] = number
    if outcome.first_token is not None:
        attributes[Name.FIRST_CHUNK] = outcome.first_token
    return attributes


def _usage_attributes(usage: TokenUsage | None) -> _Attributes:
    if usage is None:
        return {}
    counts: _Attributes = {Name.INPUT_TOKENS: usage.prompt_tokens, Name.OUTPUT_TOKENS: usage.completion_tokens}
    if usage.cached_tokens:
        counts[Name.CACHED_TOKENS] = usage.cached_tokens
    if usage.reasoning_tokens:
        counts[Name.REASONING_TOKENS] = usage.reasoning_tokens
    return counts


def _exact_usage(outcome: Outcome) -> TokenUsage | None:
    return outcome.usage if outcome.usage is not None and outcome.usage.source == "exact" else None


def _error_type(outcome: Outcome) -> str | None:
    """The value of `error.type`; None for an answer."""
    if outcome.error is not None:
        return outcome.error.kind.value
    return None if outcome.finished is not None else ErrorKind.CANCELLED.value


def _host_and_port(url: str) -> _Attributes:
    """Host and port of an address, without its path and its credentials."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    return {Name.ADDRESS: parts.hostname or "", **({Name.PORT: port} if port else {})}
