"""FastChat (wire-contracts 2.1, 8.2). `POST /api/v1/token_check` counts a text and reports the window it has to fit."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.servers.interface import DetailsEndpoint, ServerKind
from swebench_providers.servers.probes import with_details
from swebench_providers.tokens.count_endpoints import CountEndpoint, as_count, bare_text
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelInfo

_CHECK_PATH: Final = "/api/v1/token_check"


class _Check(msgspec.Struct, rename="camel"):
    """Each field is checked where it is used, so that one of another type does not hide the other."""

    token_count: object = None
    context_length: object = None


class _TokenCheck(msgspec.Struct):
    prompts: list[_Check] = []


def _check(model: str, text: str, max_tokens: int) -> WireRequest:
    prompt = {"model": model, "prompt": text, "max_tokens": max_tokens}
    return WireRequest(_CHECK_PATH, json_body({"prompts": [prompt]}))


def _first(body: bytes) -> _Check:
    return next(iter(msgspec.json.decode(body, type=_TokenCheck).prompts), _Check())


def _details(body: bytes, model: ModelInfo) -> ModelInfo:
    return with_details(model, _first(body).context_length)


def _count(request: UnifiedRequest) -> WireRequest:
    return _check(request.model, bare_text(request), request.max_tokens or 0)


SERVER: Final = ServerKind(
    name="fastchat",
    rank=5,
    ports=(8000,),
    owner="fastchat",
    api_paths=frozenset({_CHECK_PATH}),
    details=DetailsEndpoint(lambda model: _check(model, "", 0), _details),
    count=CountEndpoint(_count, lambda body: as_count(_first(body).token_count), at_root=True, whole_chat=False),
)
