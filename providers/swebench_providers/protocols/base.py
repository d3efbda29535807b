"""The interface of a wire format: a transformer that writes requests, a parser that reads responses. No I/O."""

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
    """One HTTP request below a provider's base URL. `notices` name the parameters that were left out, and why."""

    path: str
    body: bytes
    notices: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    method: str = "POST"


def json_body(fields: Mapping[str, object]) -> bytes:
    """The body of a request. Raises `ProviderError` (invalid_request) for text that is not valid Unicode."""
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        raise ProviderError(
            ErrorKind.INVALID_REQUEST,
            "the prompt contains a lone surrogate, half a character, which cannot be sent",
            hint="Read its file as UTF-8, and replace what is invalid.",
            reason="bad_parameter",
        ) from None


class Decoder(Protocol):
    """Decodes one streamed response: bytes to events.

    `feed` takes the body in chunks that may be cut anywhere, and never raises for their content: the events before a
    fault are returned first. `feed(b"", received_at)` marks the end of the body. `received_at` is monotonic seconds.
    """

    @property
    def ended(self) -> bool:
        """Whether the terminal marker or an error has been decoded: nothing after it is part of the answer."""
        ...

    @property
    def saw_terminal(self) -> bool:
        """Whether the terminal marker of the stream has been decoded."""
        ...

    def feed(self, data: bytes, received_at: float) -> list[Event]: ...

    def finish(self, received_at: float) -> Finished:
        """The last event. Raises `ProviderError`: the error in the stream, or `incomplete` if its end is missing."""
        ...


class RequestTransformer(Protocol):
    """Writes the requests of a wire format."""

    def encode(self, request: UnifiedRequest, profile: ModelProfile, quirks: Quirks) -> WireRequest:
        """The HTTP request for `request`. Raises `ProviderError` if its text cannot be encoded as JSON."""
        ...


class ResponseParser(Protocol):
    """Reads the responses of a wire format."""

    def decoder(self) -> Decoder: ...

    def parse(self, body: bytes, received_at: float) -> list[Event]:
        """The events of an answer in one body. Raises `ProviderError` if it is an error, or incomplete."""
        ...

    def parse_models(self, body: bytes) -> list[ModelInfo]: ...

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error for a response with an error status. Names in `headers` are lower case."""
        ...


class TransformPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A wire format: its transformer and parser, the path of its model list, and the media type of its streams.

    `commands` are hints for local servers, by the reason of an error; `{model}` stands for the requested model.
    """

    name: str
    transformer: RequestTransformer
    parser: ResponseParser
    models_path: str
    stream_type: str
    commands: Mapping[str, str] = {}
