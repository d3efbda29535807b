"""SGLang, and mini-sglang on port 1919 (wire-contracts 2.1, 8.2). Its list of models has their windows."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.servers.interface import ServerKind
from swebench_providers.servers.probes import ProbeResponses, Version, read
from swebench_providers.tokens.count_endpoints import CountEndpoint, bare_text, read_tokenized
from swebench_providers.types.messages import UnifiedRequest

_INFO: Final = "/server_info"
_OLDER_INFO: Final = "/get_model_info"


class _Served(msgspec.Struct):
    model_path: str = ""


def _recognise(responses: ProbeResponses) -> bool:
    return any(read(responses, path, _Served).model_path for path in (_OLDER_INFO, _INFO))


def _count(request: UnifiedRequest) -> WireRequest:
    """`POST /tokenize` with the bare text."""
    return WireRequest("/tokenize", json_body({"model": request.model, "prompt": bare_text(request)}))


SERVER: Final = ServerKind(
    name="sglang",
    rank=6,
    ports=(30000, 1919),
    owner="sglang",
    probes=(_OLDER_INFO, _INFO),
    recognise=_recognise,
    api_paths=frozenset({_OLDER_INFO}),
    state_probes=(_INFO,),
    version=lambda responses: read(responses, _INFO, Version).version,
    count=CountEndpoint(_count, read_tokenized, at_root=True, whole_chat=False),
)
