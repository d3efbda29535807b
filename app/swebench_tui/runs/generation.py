"""One model's answer to one request: streamed, committed, and only then done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from swebench_providers import (
    Charge,
    ErrorKind,
    Event,
    ProviderError,
    ReasoningDelta,
    TextDelta,
    UnifiedRequest,
)
from swebench_providers.types.errors import incomplete
from swebench_tui.runs.generation_state import GenerationReducer, GenerationState, Status
from swebench_tui.runs.target import Target

if TYPE_CHECKING:
    from swebench_tui.bench.guided import Guide
    from swebench_tui.bench.task import TaskPrompt


class Source(Protocol):
    """A provider that streams answers, with all policies on it."""

    @property
    def name(self) -> str: ...

    def is_free(self, model: str) -> bool:
        """Whether answers of `model` cost nothing, whatever is used."""
        ...

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded model."""
        ...

    @property
    def takes_grammar(self) -> bool:
        """Whether a request's grammar is sent; otherwise it is left out with a notice."""
        ...

    def stream(
        self, request: UnifiedRequest, on_charge: Callable[[Charge], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        """The answer as it arrives; an empty model is the provider's default. Raises `ProviderError`.

        `on_charge` gets the charge of each attempt, also of one that is cancelled.
        """
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A generation that has ended, as a recorder keeps it: done, failed or cancelled, with what had arrived.

    `prompt` has the hash of what was sent, where its files are from, and the first call of `pick` with its own cost.
    """

    target: Target
    state: GenerationState
    text: str
    reasoning: str
    prompt: TaskPrompt | None = None


class Recorder(Protocol):
    """Keeps answers."""

    async def commit(self, answer: Answer) -> None:
        """Return once the answer is durable: nothing is shown or counted as done before.

        Must end by itself: a cancelled generation waits for it, since its answer may have been paid for.
        """
        ...


class _Discard:
    async def commit(self, answer: Answer) -> None:
        """Keeps nothing."""


DISCARD: Final[Recorder] = _Discard()
"""The recorder of a generation that is not kept."""


class TextVoided(msgspec.Struct, frozen=True):
    """All text and reasoning so far is void: its attempt failed, and another one begins."""


Piece = TextDelta | ReasoningDelta | TextVoided
"""What changes the text of an answer."""

_NOT_FOLLOWED: Final = "Not guided: the server did not follow the grammar."

_DELTAS: Final = (TextDelta, ReasoningDelta)


class Generation:
    """A target, a request, and the state of the answer. Runs once, in one event loop; may be read from any thread.

    `guide` is the one whose grammar the request has. `observe` is called in that loop after every change, with the
    piece that changed the text, else None.
    """

    def __init__(
        self,
        target: Target,
        request: UnifiedRequest,
        source: Source,
        *,
        guide: Guide | None = None,
        prompt: TaskPrompt | None = None,
        recorder: Recorder = DISCARD,
        observe: Callable[[Piece | None], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self._guide = guide
        self._request = _for_target(request, target)
        self._source = source
        self._prompt = prompt
        self._recorder = recorder
        self._observe = observe
        self._now = now
        self._reducer: GenerationReducer | None
        self._reducer = GenerationReducer(
            target.model, is_free=source.is_free, streamed=request.stream, guided=guide is not None
        )
        self._current: GenerationReducer | Answer = self._reducer

    @property
    def state(self) -> GenerationState:
        """The state now; the same object as long as nothing changes."""
        return self._current.state

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._current.text

    @property
    def reasoning(self) -> str:
        return self._current.reasoning

    async def run(self) -> None:
        """Send the request and read the answer. Ends done, failed or cancelled; raises nothing but cancellation."""
        reducer, self._reducer = self._reducer, None
        if reducer is None:
            raise RuntimeError("a generation runs once")
        reducer.start(self._now())
        self._changed()
        status, error, cancelled = Status.DONE, None, None
        try:
            await self._read(reducer)
        except asyncio.CancelledError as cancellation:
            status, cancelled = Status.CANCELLED, cancellation
        except ProviderError as failure:
            status, error = Status.FAILED, failure
        except Exception as fault:  # noqa: BLE001 - a fault of ours stays in its generation; the others go on
            status, error = Status.FAILED, internal_error(fault)
        cancelled = await self._end(reducer, status, error) or cancelled
        if cancelled is not None:
            raise cancelled

    async def _read(self, reducer: GenerationReducer) -> None:
        apply, observe = reducer.apply, self._observe
        async with aclosing(self._source.stream(self._request, reducer.charge)) as events:
            async for event in events:
                voided = apply(event)
                if observe is not None:
                    observe(TextVoided() if voided else event if isinstance(event, _DELTAS) else None)
        if reducer.state.finish_reason is None:
            raise incomplete(f"{self._source.name} stopped before the end of its answer")

    async def _end(
        self, reducer: GenerationReducer, status: Status, error: ProviderError | None
    ) -> asyncio.CancelledError | None:
        """Commit the answer, then show it as ended. Returns the cancellation that came meanwhile, to be raised."""
        state = self._checked(reducer.final(status, self._now(), error), reducer.text)
        answer = Answer(
            target=self.target, state=state, text=reducer.text, reasoning=reducer.reasoning, prompt=self._prompt
        )
        cancelled, fault = await _complete(self._recorder.commit(answer))
        if fault is not None:
            status = Status.FAILED if state.status is Status.DONE else state.status
            state = msgspec.structs.replace(state, status=status, error=_not_saved(fault))
            answer = msgspec.structs.replace(answer, state=state)
        self._current = answer  # lets the accumulator with its pieces go
        self._changed()
        return cancelled

    def _checked(self, state: GenerationState, text: str) -> GenerationState:
        """Not guided where a whole answer shows that the server did not follow the grammar."""
        if self._guide is None or not state.complete or self._guide.followed_by(text):
            return state
        return msgspec.structs.replace(
            state,
            guided=False,
            notices=(*state.notices, _NOT_FOLLOWED),
            final_notices=(*state.final_notices, _NOT_FOLLOWED),
        )

    def _changed(self) -> None:
        if self._observe is not None:
            self._observe(None)


async def _complete(
    call: Coroutine[Any, Any, None],
) -> tuple[asyncio.CancelledError | None, Exception | None]:
    """Wait for `call` to end, also where the caller is cancelled meanwhile: that cancellation, and what it raised."""
    task = asyncio.ensure_future(call)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    if task.cancelled():
        return cancelled, TimeoutError("it was cancelled")
    error = task.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return cancelled, error


def _for_target(request: UnifiedRequest, target: Target) -> UnifiedRequest:
    temperature = request.temperature if target.temperature is None else target.temperature
    return msgspec.structs.replace(request, model=target.model, temperature=temperature)


def internal_error(fault: Exception) -> ProviderError:
    """A fault of the program itself."""
    return ProviderError(
        ErrorKind.TRANSIENT,
        f"internal error in swebench-tui: {type(fault).__name__}: {fault}",
        hint="Report it, with the steps that led to it.",
        reason="internal",
        retryable=False,
    )


def _not_saved(fault: Exception) -> ProviderError:
    return ProviderError(
        ErrorKind.TRANSIENT,
        f"the answer could not be saved: {type(fault).__name__}: {fault}",
        hint="Copy the answer. Check the free disk space before running more.",
        reason="not_saved",
        retryable=False,
    )
