"""One model answering one question: the engine's side of a column.

A column runs in the engine's event loop and is read from any thread. Its buffers only grow and its facts are replaced
whole, so a reader needs no lock: it takes a snapshot, and the pieces of text since the last one it has seen.

    waiting <-> connecting -> thinking <-> streaming -> done
                     any of these -> failed | cancelled
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from swebench_providers import (
    Attempt,
    AttemptFailed,
    Charge,
    ErrorKind,
    Event,
    Finished,
    FinishReason,
    Notice,
    Provider,
    ProviderError,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UsageUpdate,
    Waiting,
)
from swebench_providers.policies.interface import DirectCall, Streamer
from swebench_providers.types.errors import incomplete
from swebench_providers.types.usage import total_cost
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.runs.target import Target

Judge = Callable[[str, str | None], Awaitable[PatchVerdict]]
"""From an answer and its finish reason to what became of the patch in it."""


class State(StrEnum):
    """Where a column stands."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    THINKING = "thinking"
    STREAMING = "streaming"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {State.DONE, State.FAILED, State.CANCELLED}


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of an answer as it arrived; `at` is seconds since its request went out."""

    kind: Literal["text", "reasoning"]
    text: str
    at: float


class GenerationState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a column. Times are monotonic seconds; None has not happened, or is unknown.

    `asked` is when the request went out that is being answered: what a model takes counts from there, and what came
    before was spent waiting and on failures. `wait` is what is waited for now.
    `pieces` is the number of pieces so far: until the provider has counted it stands for the tokens. `thought` says
    that reasoning was among them. `usage` of an answer that broke off is an estimate. `final_notices` are the notices
    that hold when the answer is there too. `settled` says that nothing will change any more.
    """

    state: State = State.WAITING
    model: str = ""
    started: float | None = None
    asked: float | None = None
    wait: Waiting | None = None
    first_token: float | None = None
    last_token: float | None = None
    ended: float | None = None
    pieces: int = 0
    thought: bool = False
    usage: TokenUsage | None = None
    cost: Decimal | None = None
    cost_estimated: bool = False
    finish_reason: FinishReason | None = None
    refusal: str = ""
    request_id: str | None = None
    error: ProviderError | None = None
    notices: tuple[str, ...] = ()
    final_notices: tuple[str, ...] = ()
    patch: PatchVerdict | None = None
    settled: bool = False

    @property
    def complete(self) -> bool:
        """Whether the model itself said that this was its whole answer."""
        return self.state is State.DONE and self.finish_reason is FinishReason.STOP

    @property
    def since(self) -> float | None:
        """From when on the model's times count."""
        return self.started if self.asked is None else self.asked

    @property
    def ttft(self) -> float | None:
        """Time to first token, in seconds."""
        since = self.since
        return None if self.first_token is None or since is None else self.first_token - since

    @property
    def latency(self) -> float | None:
        """Seconds that the answer took, its waits and failures left out; None before its end."""
        since = self.since
        return None if self.ended is None or since is None else self.ended - since

    @property
    def waited(self) -> float:
        """Seconds between the start and the request that was answered."""
        return 0.0 if self.asked is None or self.started is None else self.asked - self.started

    def elapsed(self, now: float) -> float | None:
        """Seconds from the start to the end, or to `now`."""
        return None if self.started is None else (now if self.ended is None else self.ended) - self.started

    @property
    def tokens(self) -> int:
        """Tokens of the answer: as the provider counts them, else as pieces arrived."""
        return self.usage.completion_tokens if self.tokens_exact and self.usage else self.pieces

    @property
    def tokens_exact(self) -> bool:
        """Whether the provider counted the whole answer; what it says before its end is not the last word."""
        return (
            self.usage is not None
            and self.usage.source == "exact"
            and self.usage.completion_tokens > 0
            and self.finish_reason is not None
        )

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens after the first one over the time they took. Reasoning that was not shown came before the first."""
        if self.first_token is None or self.last_token is None or self.last_token <= self.first_token:
            return None
        unseen = self.usage.reasoning_tokens if self.tokens_exact and self.usage and not self.thought else 0
        timed = self.tokens - unseen - 1
        return timed / (self.last_token - self.first_token) if timed > 0 else None


class Column:
    """A target, the question, and what has come of it. `observe` is called in the engine's loop for every change.

    `streams` answers for `provider`, with policies around it; left out, the provider is asked once and bare.
    """

    def __init__(
        self,
        target: Target,
        request: UnifiedRequest,
        provider: Provider,
        *,
        streams: Streamer | None = None,
        judge: Judge | None = None,
        observe: Callable[[Column, Piece | None], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.free = provider.spec.is_free(target.model)
        self._request = request
        self._provider = provider
        self._streams = streams or DirectCall(provider)
        self._charges: list[Charge] = []
        self._judge = judge
        self._observe = observe
        self._now = now
        self._pieces: list[Piece] = []
        self._facts = GenerationState(model=target.model)

    @property
    def facts(self) -> GenerationState:
        """What is known now; a new object whenever it changed."""
        return self._facts

    def pieces(self, since: int = 0) -> Sequence[Piece]:
        """The pieces from number `since` on."""
        return self._pieces[since:]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self._pieces if piece.kind == "text")

    @property
    def reasoning(self) -> str:
        return "".join(piece.text for piece in self._pieces if piece.kind == "reasoning")

    async def run(self) -> None:
        """Ask, and take the answer in. Ends in done, failed or cancelled; raises nothing but cancellation."""
        self._set(state=State.CONNECTING, started=self._now())
        try:
            await self._answer()
        except asyncio.CancelledError:
            self._end(State.CANCELLED)
            raise
        except ProviderError as error:
            self._end(State.FAILED, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours stays in its column; the other columns go on
            self._end(State.FAILED, _unexpected(error))
        finally:
            self._set(settled=True)

    async def _answer(self) -> None:
        model = self.target.model or await self._provider.default_model()
        self.free = self._provider.spec.is_free(model)
        self._set(model=model)
        request = msgspec.structs.replace(self._request, model=model)
        if self.target.temperature is not None:
            request = msgspec.structs.replace(request, temperature=self.target.temperature)
        async with aclosing(self._streams.stream_unified(request)) as events:
            async for event in events:
                self._take(event)
        if not self._facts.state.ended:
            raise incomplete(f"{self._provider.name} stopped without saying that this was all")
        cost = total_cost(self._charges)
        if not self._charges:
            cost = await self._provider.cost_of(self._facts.usage, self._facts.model, requested_model=model)
        self.free = self.free and not cost
        self._set(cost=cost, cost_estimated=not all(charge.exact for charge in self._charges))
        if self._judge is not None:
            reason = self._facts.finish_reason
            self._set(patch=await self._judge(self.text, reason.value if reason else None))

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta():
                self._piece("text", event.text, event.at)
            case ReasoningDelta():
                self._piece("reasoning", event.text, event.at)
            case UsageUpdate():
                self._set(usage=event.usage)
            case Attempt():
                self._set(state=State.CONNECTING, asked=event.at, wait=None)
            case Waiting():
                self._set(state=State.WAITING, wait=event)
            case AttemptFailed():
                self._set(usage=None, first_token=None)
            case Charge():
                self._charges.append(event)
            case Notice():
                final_notices = (
                    self._facts.final_notices if event.passing else (*self._facts.final_notices, event.message)
                )
                self._set(notices=(*self._facts.notices, event.message), final_notices=final_notices)
            case Finished():
                self._set(
                    state=State.DONE,
                    ended=event.at,
                    finish_reason=event.reason,
                    refusal=event.refusal,
                    request_id=event.request_id,
                    model=event.model or self._facts.model,
                )

    def _piece(self, kind: Literal["text", "reasoning"], text: str, at: float) -> None:
        facts = self._facts
        piece = Piece(kind, text, at - (at if facts.since is None else facts.since))
        self._pieces.append(piece)
        self._facts = msgspec.structs.replace(
            facts,
            state=State.STREAMING if kind == "text" else State.THINKING,
            first_token=at if facts.first_token is None and self._request.stream else facts.first_token,
            last_token=at,
            pieces=len(self._pieces),
            thought=facts.thought or kind == "reasoning",
        )
        if self._observe is not None:
            self._observe(self, piece)

    def _end(self, state: State, error: ProviderError | None = None) -> None:
        facts = self._facts
        if facts.state.ended:  # a whole answer stays one, whatever becomes of its price and its patch
            self._set(error=error)
            return
        self._set(
            state=state,
            ended=self._now(),
            error=error,
            wait=None,
            usage=_broken_off(facts.usage, facts.pieces),
            cost=Decimal(0) if self.free else error and error.cost,
            cost_estimated=not (error is None or error.charge is None or error.charge.exact),
        )

    def _set(self, **changes: object) -> None:
        self._facts = msgspec.structs.replace(self._facts, **changes)
        if self._observe is not None:
            self._observe(self, None)


def _broken_off(usage: TokenUsage | None, pieces: int) -> TokenUsage | None:
    """The server's last word before the end was about fewer tokens than arrived."""
    if usage is None:
        return None
    return msgspec.structs.replace(usage, completion_tokens=max(usage.completion_tokens, pieces), source="estimated")


def _unexpected(error: Exception) -> ProviderError:
    return ProviderError(
        ErrorKind.TRANSIENT,
        f"a fault in swebench-tui itself: {type(error).__name__}: {error}",
        hint="Please report it, with what you did before.",
        reason="internal",
        retryable=False,
    )


async def run_all(columns: Sequence[Column]) -> None:
    """Run the columns side by side until each has ended. Cancelling this cancels them all."""
    async with asyncio.TaskGroup() as group:
        for column in columns:
            group.create_task(column.run())
