"""vLLM (wire-contracts 2.1, 8.2). Its list of models has their windows."""

from __future__ import annotations

from typing import Final

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.servers.interface import ServerKind
from swebench_providers.servers.probes import ProbeResponses, Version, listed_models, needs_key, read
from swebench_providers.tokens.count_endpoints import CountEndpoint, read_tokenized, request_fields
from swebench_providers.types.messages import UnifiedRequest


def _version(responses: ProbeResponses) -> str:
    return read(responses, "/version", Version).version


def _recognise(responses: ProbeResponses) -> bool:
    """Any service may have a version and a ping, so they count only where there are models too, or a key is needed."""
    listed = listed_models(responses)
    if any(model.permission is not None and model.max_model_len for model in listed):
        return True
    pings = "/ping" in responses and responses["/ping"].status == 200 and bool(_version(responses))
    return pings and (bool(listed) or needs_key(responses))


def _count(request: UnifiedRequest) -> WireRequest:
    """`POST /tokenize` with messages, to which the server applies the model's chat template."""
    _, fields = request_fields("openai_chat", request, "model", "messages")
    return WireRequest("/tokenize", json_body(fields))


SERVER: Final = ServerKind(
    name="vllm",
    rank=4,
    ports=(8000,),
    owner="vllm",
    probes=("/version", "/ping"),
    recognise=_recognise,
    api_paths=frozenset({"/tokenize", "/invocations"}),
    state_probes=("/version",),
    version=_version,
    count=CountEndpoint(_count, read_tokenized, at_root=True),
)
