"""The state of one model's answer, reduced from the events of its stream.

waiting <-> connecting -> thinking <-> streaming -> done
                 any of these -> failed | cancelled
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from swebench_providers import (
    Attempt,
    AttemptFailed,
    Charge,
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
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.types.usage import total_cost

_ZERO: Final = Decimal(0)


class Status(StrEnum):
    """Where a generation is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    THINKING = "thinking"
    STREAMING = "streaming"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {Status.DONE, Status.FAILED, Status.CANCELLED}


class GenerationState(msgspec.Struct, frozen=True, kw_only=True):
    """One answer at one moment. Times are monotonic seconds; None has not happened, or is unknown.

    `requested_at` is when the current attempt's request went out: a model's times count from there, and what came
    before was spent on waits and failed attempts. `wait` is the current wait. `deltas` is the number of pieces of text
    and reasoning in the current attempt: the estimate of its tokens until the provider has counted them.
    `has_reasoning` says that reasoning was among them. `usage` of an answer that broke off is an estimate.
    `guided` is whether a grammar guides the answer to a patch that applies: such answers are never counted among
    others. `final_notices` are the notices that still hold when the answer is complete. `cost`, in USD, of all attempts
    is set at the end.
    """

    status: Status = Status.WAITING
    model: str = ""
    free: bool = False
    guided: bool = False
    started_at: float | None = None
    requested_at: float | None = None
    wait: Waiting | None = None
    first_token_at: float | None = None
    last_token_at: float | None = None
    ended_at: float | None = None
    deltas: int = 0
    has_reasoning: bool = False
    usage: TokenUsage | None = None
    cost: Decimal | None = None
    cost_estimated: bool = False
    finish_reason: FinishReason | None = None
    refusal: str = ""
    request_id: str | None = None
    error: ProviderError | None = None
    notices: tuple[str, ...] = ()
    final_notices: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the model itself ended its answer."""
        return self.status is Status.DONE and self.finish_reason is FinishReason.STOP

    @property
    def measured_from(self) -> float | None:
        """The moment from which the model's times count."""
        return self.started_at if self.requested_at is None else self.requested_at

    @property
    def ttft(self) -> float | None:
        """Time to first token, in seconds."""
        start = self.measured_from
        return None if self.first_token_at is None or start is None else self.first_token_at - start

    @property
    def latency(self) -> float | None:
        """Seconds the answer took, without waits and failed attempts; None before its end."""
        start = self.measured_from
        return None if self.ended_at is None or start is None else self.ended_at - start

    @property
    def waited(self) -> float:
        """Seconds between the start and the request that was answered."""
        return 0.0 if self.requested_at is None or self.started_at is None else self.requested_at - self.started_at

    def elapsed(self, now: float) -> float | None:
        """Seconds from the start to the end, or to `now`."""
        return None if self.started_at is None else (now if self.ended_at is None else self.ended_at) - self.started_at

    @property
    def tokens(self) -> int:
        """Tokens of the answer: as counted by the provider, else the number of deltas."""
        return self.usage.completion_tokens if self.tokens_exact and self.usage else self.deltas

    @property
    def tokens_exact(self) -> bool:
        """Whether the provider counted the whole answer; a count before the end may be of a part."""
        return (
            self.usage is not None
            and self.usage.source == "exact"
            and self.usage.completion_tokens > 0
            and self.finish_reason is not None
        )

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens after the first one over the time they took. Reasoning that was not shown came before the first."""
        if self.first_token_at is None or self.last_token_at is None or self.last_token_at <= self.first_token_at:
            return None
        unseen = self.usage.reasoning_tokens if self.tokens_exact and self.usage and not self.has_reasoning else 0
        timed = self.tokens - unseen - 1
        return timed / (self.last_token_at - self.first_token_at) if timed > 0 else None


class GenerationReducer:
    """Reduces the events of one call to `GenerationState`s. No I/O; the text is in the library's accumulator.

    Used by one thread; `state` may be read from any. A state is made when it is read, since making one for every delta
    costs twice as much as accumulating it (tests/benchmarks/generation_cost.py).
    """

    def __init__(
        self, model: str, *, is_free: Callable[[str], bool], streamed: bool = True, guided: bool = False
    ) -> None:
        """`is_free` is by model. Without `streamed` the answer comes in one piece, whose time is no first token."""
        self._is_free = is_free
        self._streamed = streamed
        self._answer = ResponseAccumulator(0.0)
        self._accumulate = self._answer.add
        self._changed = GenerationState(model=model, free=is_free(model), guided=guided)  # all but the deltas since
        self._last: TextDelta | ReasoningDelta | None = None
        self._kind: type[Event] | None = None  # of the deltas that change nothing but their number
        self._read: tuple[GenerationState, TextDelta | ReasoningDelta | None, GenerationState]
        self._read = (self._changed, None, self._changed)

    @property
    def state(self) -> GenerationState:
        """The state now; the same object as long as nothing changes."""
        changed, last, state = self._read
        if changed is not self._changed or last is not self._last:
            changed, last = self._changed, self._last
            last_token_at = None if last is None else last.time
            state = msgspec.structs.replace(changed, deltas=self._answer.deltas, last_token_at=last_token_at)
            self._read = changed, last, state
        return state

    @property
    def text(self) -> str:
        """The answer of the current attempt so far."""
        return self._answer.text

    @property
    def reasoning(self) -> str:
        return self._answer.reasoning

    def start(self, now: float) -> None:
        """The call begins."""
        self._change(status=Status.CONNECTING, started_at=now)

    def charge(self, charge: Charge) -> None:
        """An attempt was charged. Charges come here and not as events: no event can carry that of a cancelled one."""
        self._accumulate(charge)

    def apply(self, event: Event) -> bool:
        """Take in the next event. True where it voids the text so far: an attempt failed, and another one begins."""
        if type(event) is self._kind:
            self._accumulate(event)
            self._last = event  # type: ignore[assignment]  # `_kind` is a delta's
            return False
        return self._apply_change(event)

    def _apply_change(self, event: Event) -> bool:
        if isinstance(event, Charge):
            return False
        voided = isinstance(event, Attempt | AttemptFailed) and self._answer.deltas > 0
        self._accumulate(event)
        if isinstance(event, TextDelta | ReasoningDelta):
            self._first_delta(event)
        else:
            self._apply_other(event)
        return voided

    def _apply_other(self, event: Event) -> None:
        match event:
            case UsageUpdate():
                self._change(usage=event.usage)
            case Attempt():
                model = event.model or self._changed.model
                self._begin_attempt(requested_at=event.time, wait=None, model=model, free=self._is_free(model))
            case AttemptFailed():
                self._begin_attempt()
            case Waiting():
                self._kind = None
                self._change(status=Status.WAITING, wait=event)
            case Notice():
                final = self._changed.final_notices
                final = final if event.passing else (*final, event.message)
                self._change(notices=(*self._changed.notices, event.message), final_notices=final)
            case Finished():
                self._change(
                    ended_at=event.time,
                    finish_reason=event.reason,
                    refusal=event.refusal,
                    request_id=event.request_id,
                    model=event.model or self._changed.model,
                )

    def _first_delta(self, delta: TextDelta | ReasoningDelta) -> None:
        """The first one at all, after the other kind, or after a wait."""
        state = self._changed
        status = Status.STREAMING if isinstance(delta, TextDelta) else Status.THINKING
        self._last, self._kind = delta, type(delta)
        self._change(
            status=status,
            first_token_at=delta.time if state.first_token_at is None and self._streamed else state.first_token_at,
            has_reasoning=state.has_reasoning or status is Status.THINKING,
        )

    def _begin_attempt(self, **changes: object) -> None:
        """The answer starts from nothing, as in the accumulator."""
        self._last = self._kind = None
        self._change(
            status=Status.CONNECTING,
            usage=None,
            first_token_at=None,
            has_reasoning=False,
            finish_reason=None,
            ended_at=None,
            **changes,
        )

    def _change(self, **changes: object) -> None:
        self._changed = msgspec.structs.replace(self._changed, **changes)

    def final(self, status: Status, now: float, error: ProviderError | None = None) -> GenerationState:
        """The state at the end; `state` does not become it. A whole answer stays one, whatever follows it."""
        state = self.state
        finished = self._answer.finished is not None
        cost, estimated = self._cost(state)
        free = state.free and not cost
        return msgspec.structs.replace(
            state,
            status=Status.DONE if finished else status,
            ended_at=state.ended_at if finished else now,
            wait=None,
            error=error,
            usage=state.usage if finished else _of_a_part(state.usage, state.deltas),
            free=free,
            cost=_ZERO if free else cost,
            cost_estimated=estimated and not free,
        )

    def _cost(self, state: GenerationState) -> tuple[Decimal | None, bool]:
        """What all attempts cost, and whether that is an estimate; nothing where no request went out."""
        charges = self._answer.charges
        if not charges and state.requested_at is None and not state.deltas and state.finish_reason is None:
            return _ZERO, False
        return total_cost(charges), not all(charge.exact for charge in charges)


def _of_a_part(usage: TokenUsage | None, deltas: int) -> TokenUsage | None:
    """Of an answer that broke off: the server's last count may be of fewer tokens than arrived."""
    if usage is None:
        return None
    return msgspec.structs.replace(usage, completion_tokens=max(usage.completion_tokens, deltas), source="estimated")
