"""What every wire format provides: two halves, and their pairing. No I/O anywhere below this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Event, Finished
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelInfo


class WireRequest(msgspec.Struct, frozen=True):
    """One HTTP request below a provider's base URL. `notices` say what was asked for and left out, and why."""

    path: str
    body: bytes
    notices: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    method: str = "POST"


def json_body(fields: Mapping[str, object]) -> bytes:
    """A request's body. Raises `ProviderError` (invalid_request) for text that is not Unicode."""
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        raise ProviderError(
            ErrorKind.INVALID_REQUEST,
            "the prompt holds half a character (a lone surrogate), which no server can be sent",
            hint="Read the file it comes from as UTF-8, replacing what is not.",
            reason="bad_parameter",
        ) from None


class Decoder(Protocol):
    """The bytes of one streamed answer to events.

    `feed` takes the body in pieces cut anywhere and never raises for what they hold: events decoded before a fault are
    handed out first. `feed(b"", at)` says that the body has ended. `at` is the monotonic time in seconds.
    """

    @property
    def ended(self) -> bool:
        """The terminal marker or an error has been seen: nothing that follows will be part of the answer."""
        ...

    @property
    def saw_terminal(self) -> bool:
        """The stream's own end marker has been seen."""
        ...

    def feed(self, data: bytes, at: float) -> list[Event]: ...

    def finish(self, at: float) -> Finished:
        """The outcome. Raises `ProviderError`: the stream's own error, or `incomplete` if its end never came."""
        ...


class RequestTransformer(Protocol):
    """The half of a protocol that writes."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        """The request as this wire wants it. Raises `ProviderError` where its text cannot be written as JSON."""
        ...


class ResponseParser(Protocol):
    """The half of a protocol that reads."""

    def decoder(self) -> Decoder: ...

    def parse(self, body: bytes, at: float) -> list[Event]:
        """The events of a whole answer. Raises `ProviderError` where the body is an error or no answer."""
        ...

    def parse_models(self, body: bytes) -> list[ModelInfo]: ...

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an answer with an error status means. Header names are lower case."""
        ...


class TransformPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A wire format: the two halves that belong together, where its model list stands, and its streams' media type.

    `commands` are hints by an error's reason that hold for a server on one's own machine; `{model}` is the model asked.
    """

    name: str
    transformer: RequestTransformer
    parser: ResponseParser
    models_path: str
    stream_type: str
    commands: Mapping[str, str] = {}
