"""How servers are asked to count (api-contracts 2.1 and 7). No I/O: one function per wire writes the question.

Each takes the prompt out of the very request that would be sent, written by the protocol that would write it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, NamedTuple

import msgspec

from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.protocols import WireRequest, pipeline
from swebench_providers.protocols.base import json_body
from swebench_providers.tokens.counter import turns
from swebench_providers.types.messages import UnifiedRequest

_Number = Annotated[int, msgspec.Meta(ge=0)]


class CountWire(NamedTuple):
    """One server's way. `encode` writes the question; `decode` reads the number, and raises `msgspec.DecodeError`.

    `at_root`: its path stands beside the `/v1` that the base URL ends in, not below it. `whole` says whether the number
    is that of a whole chat; otherwise it is that of its texts, without the model's chat template.
    """

    encode: Callable[[UnifiedRequest], WireRequest]
    decode: Callable[[bytes], int]
    at_root: bool = False
    whole: bool = True


class _InputTokens(msgspec.Struct):
    input_tokens: _Number


class _TotalTokens(msgspec.Struct, rename="camel"):
    total_tokens: _Number


class _Tokenized(msgspec.Struct):
    count: _Number


class _Checked(msgspec.Struct, rename="camel"):
    token_count: _Number


class _TokenCheck(msgspec.Struct):
    prompts: Annotated[list[_Checked], msgspec.Meta(min_length=1)]


def openai_responses(request: UnifiedRequest) -> WireRequest:
    """`POST /responses/input_tokens`."""
    _, prompt = _prompt("openai_responses", request, "model", "input", "instructions")
    return WireRequest("/responses/input_tokens", json_body(prompt))


def anthropic(request: UnifiedRequest) -> WireRequest:
    """`POST /v1/messages/count_tokens`: free, with a rate limit of its own."""
    wire, prompt = _prompt("anthropic_messages", request, "model", "system", "messages")
    return WireRequest("/v1/messages/count_tokens", json_body(prompt), headers=wire.headers)


def gemini(request: UnifiedRequest) -> WireRequest:
    """`POST /models/MODEL:countTokens`; the system instruction is taken only inside of a whole request."""
    wire, prompt = _prompt("gemini", request, "systemInstruction", "contents")
    path = wire.path.rpartition(":")[0]
    return WireRequest(
        f"{path}:countTokens", json_body({"generateContentRequest": {"model": path.removeprefix("/"), **prompt}})
    )


def vertex(request: UnifiedRequest) -> WireRequest:
    """The same on Vertex, which takes the fields as they are."""
    wire, prompt = _prompt("gemini", request, "systemInstruction", "contents")
    return WireRequest(f"{wire.path.rpartition(':')[0]}:countTokens", json_body(prompt))


def vllm(request: UnifiedRequest) -> WireRequest:
    """`POST /tokenize` with messages, to which the server applies the model's chat template."""
    _, prompt = _prompt("openai_chat", request, "model", "messages")
    return WireRequest("/tokenize", json_body(prompt))


def sglang(request: UnifiedRequest) -> WireRequest:
    """`POST /tokenize` with the bare text."""
    return WireRequest("/tokenize", json_body({"model": request.model, "prompt": _text(request)}))


def llamacpp(request: UnifiedRequest) -> WireRequest:
    """`POST /v1/chat/completions/input_tokens`."""
    _, prompt = _prompt("openai_chat", request, "model", "messages")
    return WireRequest("/v1/chat/completions/input_tokens", json_body(prompt))


def fastchat(request: UnifiedRequest) -> WireRequest:
    """`POST /api/v1/token_check` with the bare text."""
    item = {"model": request.model, "prompt": _text(request), "max_tokens": request.max_tokens or 0}
    return WireRequest("/api/v1/token_check", json_body({"prompts": [item]}))


def _prompt(protocol: str, request: UnifiedRequest, *fields: str) -> tuple[WireRequest, dict[str, object]]:
    """The request as it would be sent, and those fields of it that hold what the model reads."""
    request = msgspec.structs.replace(request, stream=False)
    wire = pipeline(protocol).transformer.encode(request, ModelProfile(), Quirks())
    body = msgspec.json.decode(wire.body, type=dict[str, msgspec.Raw])
    return wire, {name: body[name] for name in fields if name in body}


def _text(request: UnifiedRequest) -> str:
    return "\n".join(turn.content for turn in turns(request))


def _input_tokens(body: bytes) -> int:
    return msgspec.json.decode(body, type=_InputTokens).input_tokens


def _total_tokens(body: bytes) -> int:
    return msgspec.json.decode(body, type=_TotalTokens).total_tokens


def _tokenized(body: bytes) -> int:
    return msgspec.json.decode(body, type=_Tokenized).count


def _checked(body: bytes) -> int:
    return msgspec.json.decode(body, type=_TokenCheck).prompts[0].token_count


COUNT_WIRES: Final[Mapping[str, CountWire]] = {
    "openai": CountWire(openai_responses, _input_tokens),
    "anthropic": CountWire(anthropic, _input_tokens),
    "gemini": CountWire(gemini, _total_tokens),
    "vertex": CountWire(vertex, _total_tokens),
    "vllm": CountWire(vllm, _tokenized, at_root=True),
    "sglang": CountWire(sglang, _tokenized, at_root=True, whole=False),
    "llamacpp": CountWire(llamacpp, _input_tokens),
    "fastchat": CountWire(fastchat, _checked, at_root=True, whole=False),
}
"""By the provider's name in the catalog. The others have no such endpoint: the usage of an answer tells."""
