"""The connection test of a provider: one short request, and a report of what failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import ReasoningDelta, TextDelta
from swebench_providers.types.messages import UnifiedRequest

if TYPE_CHECKING:
    from swebench_providers.provider import Provider

Verdict = Literal[
    "fine",
    "no_route",
    "tls",
    "wrong_address",
    "bad_key",
    "no_credit",
    "model_missing",
    "rate_limited",
    "busy",
    "no_answer",
    "not_installed",
    "broken_plugin",
    "refused",
    "failed",
]

_SMALLEST_OUTPUT: Final = 16
"""Tokens: some routers refuse less (wire-contracts 10.4, line 8)."""

_BY_REASON: Final[dict[str, Verdict]] = {
    "unreachable": "no_route",
    "dropped": "no_answer",
    "tls": "tls",
    "not_installed": "not_installed",
    "broken_plugin": "broken_plugin",
    "loading": "busy",
    "empty_response": "fine",
}
_BY_KIND: Final[dict[ErrorKind, Verdict]] = {
    ErrorKind.AUTH: "bad_key",
    ErrorKind.QUOTA_EXHAUSTED: "no_credit",
    ErrorKind.RATE_LIMITED: "rate_limited",
    ErrorKind.OVERLOADED: "busy",
    ErrorKind.TIMEOUT: "no_answer",
    ErrorKind.MODEL_NOT_FOUND: "model_missing",
    ErrorKind.BAD_ENDPOINT: "wrong_address",
    ErrorKind.INVALID_REQUEST: "refused",
    ErrorKind.CONTENT_FILTER: "refused",
    ErrorKind.CONTEXT_OVERFLOW: "refused",
    ErrorKind.INCOMPLETE: "failed",
    ErrorKind.TRANSIENT: "failed",
    ErrorKind.CANCELLED: "failed",
}


class ConnectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a connection test. `ttft_ms` and `latency_ms` are in milliseconds; None where no token came.

    `message` and `hint` are the error's, empty when the test succeeded.
    """

    provider: str
    model: str
    verdict: Verdict
    ttft_ms: float | None = None
    latency_ms: float
    message: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict == "fine"


async def check(provider: Provider, model: str = "", *, now: Callable[[], float] = time.monotonic) -> ConnectionReport:
    """Request a few tokens and stop at the first: only an answer shows that route, key, credit and model are right."""
    began = now()
    first: float | None = None
    error: ProviderError | None = None
    try:
        model = model or await provider.default_model()
        request = UnifiedRequest(model=model, prompt="Say OK.", max_tokens=_SMALLEST_OUTPUT)
        async with aclosing(provider.stream_unified(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta | ReasoningDelta):
                    first = event.time
                    break
    except ProviderError as raised:
        error = raised
    return ConnectionReport(
        provider=provider.name,
        model=model,
        verdict="fine" if error is None else _verdict(error),
        ttft_ms=None if first is None else (first - began) * 1000,
        latency_ms=(now() - began) * 1000,
        message=str(error) if error else "",
        hint=error.hint if error else "",
    )


def report_error(provider: str, error: ProviderError, model: str = "") -> ConnectionReport:
    """The report on a provider to which no request could be sent, such as one whose key cannot be read."""
    return ConnectionReport(
        provider=provider, model=model, verdict=_verdict(error), latency_ms=0.0, message=str(error), hint=error.hint
    )


def _verdict(error: ProviderError) -> Verdict:
    return _BY_REASON.get(error.reason, _BY_KIND[error.kind])
