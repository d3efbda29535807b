"""llama.cpp's server (wire-contracts 2.1, 8.2). Its properties say window, slots and build.

Builds from late 2026 listen on 9931, older ones on 8080.
"""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.servers.interface import DetailsEndpoint, ServerKind, SlotsEndpoint, get
from swebench_providers.servers.probes import (
    MODELS,
    ProbeResponses,
    decode,
    needs_key,
    positive,
    read,
    with_details,
)
from swebench_providers.tokens.count_endpoints import CountEndpoint, read_input_tokens, request_fields
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelInfo

_PROPERTIES: Final = "/props"


class _Settings(msgspec.Struct):
    n_ctx: object = None


class _Properties(msgspec.Struct):
    """`GET /props`. Each field is checked where it is used, so that one of another type hides no other."""

    default_generation_settings: _Settings | None = None
    total_slots: object = None
    build_info: object = ""

    @property
    def window(self) -> int | None:
        """Tokens of the loaded window; None where it is not stated."""
        return positive(self.default_generation_settings and self.default_generation_settings.n_ctx)

    @property
    def build(self) -> str:
        return self.build_info if isinstance(self.build_info, str) else ""


class _Reason(msgspec.Struct):
    code: int | None = None
    type: str = ""


class _Refusal(msgspec.Struct):
    error: _Reason | None = None


class _Health(msgspec.Struct):
    status: str = ""


def _properties(responses: ProbeResponses) -> _Properties:
    return read(responses, _PROPERTIES, _Properties)


def _recognise(responses: ProbeResponses) -> bool:
    properties = _properties(responses)
    if properties.default_generation_settings is not None and properties.build:
        return True
    named = any(response.headers.get("server", "").lower() == "llama.cpp" for response in responses.values())
    return named or _refuses_as_itself(responses)


def _refuses_as_itself(responses: ProbeResponses) -> bool:
    """With a key set, only `/health` stays open, and the refusal has a form of its own."""
    if not needs_key(responses):
        return False
    reason = decode(responses[MODELS].body, _Refusal).error or _Reason()
    healthy = read(responses, "/health", _Health).status == "ok"
    return healthy and (reason.code, reason.type) == (401, "authentication_error")


def _details(body: bytes, model: ModelInfo) -> ModelInfo:
    return with_details(model, msgspec.json.decode(body, type=_Properties).window)


def _slots(body: bytes) -> int | None:
    return positive(msgspec.json.decode(body, type=_Properties).total_slots)


def _count(request: UnifiedRequest) -> WireRequest:
    """`POST /v1/chat/completions/input_tokens`."""
    _, fields = request_fields("openai_chat", request, "model", "messages")
    return WireRequest("/v1/chat/completions/input_tokens", json_body(fields))


SERVER: Final = ServerKind(
    name="llamacpp",
    rank=3,
    ports=(8080, 9931),
    owner="llamacpp",
    probes=(_PROPERTIES, "/health"),
    recognise=_recognise,
    state_probes=(_PROPERTIES,),
    version=lambda responses: _properties(responses).build,
    windows=lambda responses: [_properties(responses).window],
    details=DetailsEndpoint(get(_PROPERTIES), _details, for_all=True),
    slots=SlotsEndpoint(WireRequest(_PROPERTIES, b"", method="GET"), _slots),
    count=CountEndpoint(_count, read_input_tokens, at_root=True),
)
