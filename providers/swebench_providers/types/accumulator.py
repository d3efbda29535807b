"""Builds a whole response from its events."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    LimitsUpdate,
    Notice,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
)
from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.messages import FailedAttempt, UnifiedResponse
from swebench_providers.types.usage import Charge, TokenUsage, total_cost


class ResponseAccumulator:
    """What has arrived of a response. `started` is the time of the call, in monotonic seconds."""

    def __init__(self, started: float) -> None:
        self._called_at = started
        self._notices: list[str] = []
        self._failed: list[FailedAttempt] = []
        self.charges: list[Charge] = []
        self._limits: tuple[ServerLimit, ...] = ()
        self._begin("", started)

    def _begin(self, provider: str, started: float) -> None:
        """Start anew, without what an earlier attempt sent."""
        self.provider = provider
        self._started = started
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.usage: TokenUsage | None = None
        self.first_token_at: float | None = None
        self.finished: Finished | None = None

    def add(self, event: Event) -> None:
        self.extend((event,))

    def extend(self, events: Iterable[Event]) -> None:
        for event in events:
            # By identity: no class of events has subclasses, and `isinstance` takes longer with msgspec's metaclass.
            if type(event) is TextDelta:
                self._text.append(event.text)
                if self.first_token_at is None:
                    self.first_token_at = event.time
            elif type(event) is ReasoningDelta:
                self._reasoning.append(event.text)
                if self.first_token_at is None:
                    self.first_token_at = event.time
            elif type(event) is UsageUpdate:
                self.usage = event.usage
            elif type(event) is Finished:
                self.finished = event
            else:
                self._note(event)

    def _note(self, event: Event) -> None:
        """Record an event about the call rather than about the answer."""
        match event:
            case Notice():
                self._notices.append(event.message)
            case LimitsUpdate():
                self._limits = event.limits
            case Charge():
                self.charges.append(event)
            case Attempt():
                self._begin(event.provider, event.time)
            case AttemptFailed():
                self._failed.append(_record(event))
                self._begin("", event.time)

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def deltas(self) -> int:
        """The number of pieces that text and reasoning came in."""
        return len(self._text) + len(self._reasoning)

    def cost(self, last: Charge | None = None) -> Decimal | None:
        """The cost of all attempts together in USD; see `total_cost`."""
        return total_cost(self.charges, last)

    def _is_estimated(self, cost: Decimal | None) -> bool:
        """Whether any of the tokens that `cost` is computed from were estimated."""
        if cost is None:
            return False
        if self.charges:
            return not all(charge.exact for charge in self.charges)
        usage = self.usage
        return usage is not None and usage.source == "estimated" and usage.reported_cost is None and cost > 0

    def attach_to(self, error: ProviderError) -> None:
        """Keep what had arrived on the error that ended the response."""
        error.partial_text = self.text
        error.partial_reasoning = self.reasoning
        error.usage = self.usage

    def response(
        self, *, provider: str, model: str, cost: Decimal | None, streamed: bool, raw: bytes = b""
    ) -> UnifiedResponse:
        """The response. Raises `ValueError` before `Finished`."""
        if self.finished is None:
            raise ValueError("the response has not finished")
        first = self.first_token_at if streamed else None
        return UnifiedResponse(
            content=self.text,
            reasoning=self.reasoning,
            refusal=self.finished.refusal,
            model=self.finished.model or model,
            provider=provider,
            finish_reason=self.finished.reason,
            usage=self.usage,
            cost=cost,
            latency_ms=(self.finished.time - self._started) * 1000,
            ttft_ms=None if first is None else (first - self._started) * 1000,
            request_id=self.finished.request_id,
            tool_calls=self.finished.tool_calls,
            notices=tuple(self._notices),
            raw_response=raw or self.finished.raw_body,
            limits=self._limits,
            waited_ms=(self._started - self._called_at) * 1000,
            failed_attempts=tuple(self._failed),
            cost_estimated=self._is_estimated(cost),
        )


def _record(failed: AttemptFailed) -> FailedAttempt:
    error = failed.error
    return FailedAttempt(
        provider=failed.provider, model=failed.model, key=failed.key, kind=error.kind.value, message=str(error)
    )
