"""Endpoints at which servers count tokens (wire-contracts 2.1 and 7). No I/O: one function each writes the request.

Each takes the prompt out of the very request that would be sent, written by the protocol that would write it. Here are
those of vendors, which the catalog names with `count_endpoint`; those of local servers are in `servers/kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.protocols import WireRequest, pipeline
from swebench_providers.protocols.base import json_body
from swebench_providers.tokens.counter import turns
from swebench_providers.types.messages import UnifiedRequest


class CountEndpoint(NamedTuple):
    """One server's endpoint. `encode` writes the request; `decode` reads the count, and raises `msgspec.DecodeError`.

    `at_root`: its path is below the root of the server, without the `/v1` that the base URL ends in. `whole_chat` says
    whether the count is that of a whole chat, with the model's chat template; otherwise it is that of the bare text.
    """

    encode: Callable[[UnifiedRequest], WireRequest]
    decode: Callable[[bytes], int]
    at_root: bool = False
    whole_chat: bool = True


class _InputTokens(msgspec.Struct):
    input_tokens: object = None


class _TotalTokens(msgspec.Struct, rename="camel"):
    total_tokens: object = None


class _Tokenized(msgspec.Struct):
    count: object = None


def openai_responses(request: UnifiedRequest) -> WireRequest:
    """`POST /responses/input_tokens`."""
    _, fields = request_fields("openai_responses", request, "model", "input", "instructions")
    return WireRequest("/responses/input_tokens", json_body(fields))


def anthropic_messages(request: UnifiedRequest) -> WireRequest:
    """`POST /v1/messages/count_tokens`: free, with a rate limit of its own."""
    wire, fields = request_fields("anthropic_messages", request, "model", "system", "messages")
    return WireRequest("/v1/messages/count_tokens", json_body(fields), headers=wire.headers)


def gemini(request: UnifiedRequest) -> WireRequest:
    """`POST /models/MODEL:countTokens`; the system instruction is accepted only inside of a whole request."""
    wire, fields = request_fields("gemini", request, "systemInstruction", "contents")
    path = wire.path.rpartition(":")[0]
    whole = {"model": path.removeprefix("/"), **fields}
    return WireRequest(f"{path}:countTokens", json_body({"generateContentRequest": whole}))


def vertex(request: UnifiedRequest) -> WireRequest:
    """`POST /models/MODEL:countTokens` on Vertex, which takes the fields as they are."""
    wire, fields = request_fields("gemini", request, "systemInstruction", "contents")
    return WireRequest(f"{wire.path.rpartition(':')[0]}:countTokens", json_body(fields))


def request_fields(protocol: str, request: UnifiedRequest, *names: str) -> tuple[WireRequest, dict[str, object]]:
    """The request as it would be sent, and those fields of its body that hold what the model reads."""
    request = msgspec.structs.replace(request, stream=False)
    wire = pipeline(protocol).transformer.encode(request, ModelProfile(), Quirks())
    body = msgspec.json.decode(wire.body, type=dict[str, msgspec.Raw])
    return wire, {name: body[name] for name in names if name in body}


def bare_text(request: UnifiedRequest) -> str:
    """The texts of a request, for endpoints that know no chat."""
    return "\n".join(turn.content for turn in turns(request))


def as_count(value: object) -> int:
    """A number of tokens. Raises `msgspec.DecodeError` for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise msgspec.DecodeError("not a number of tokens")


def read_input_tokens(body: bytes) -> int:
    """`{"input_tokens": N}`."""
    return as_count(msgspec.json.decode(body, type=_InputTokens).input_tokens)


def read_total_tokens(body: bytes) -> int:
    """`{"totalTokens": N}`."""
    return as_count(msgspec.json.decode(body, type=_TotalTokens).total_tokens)


def read_tokenized(body: bytes) -> int:
    """`{"count": N, ...}`, as `/tokenize` of vLLM and SGLang has it."""
    return as_count(msgspec.json.decode(body, type=_Tokenized).count)


COUNT_ENDPOINTS: Final[Mapping[str, CountEndpoint]] = {
    "openai_responses": CountEndpoint(openai_responses, read_input_tokens),
    "anthropic_messages": CountEndpoint(anthropic_messages, read_input_tokens),
    "gemini": CountEndpoint(gemini, read_total_tokens),
    "vertex": CountEndpoint(vertex, read_total_tokens),
}
"""By the name that the catalog has in `count_endpoint`. Others have none: the usage of an answer tells."""
