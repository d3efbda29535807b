"""Ollama (wire-contracts 2.1, 2.2, 8.2).

Each request names the window to load, so the window of a model is the model's own, and that of the server the one it
has loaded. There is no endpoint that counts tokens; the usage of an answer does.
"""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.servers.interface import DetailsEndpoint, ServerKind
from swebench_providers.servers.probes import ProbeResponses, Version, read, with_details
from swebench_providers.types.models import ModelInfo

_GREETING: Final = b"Ollama is running"


class _Running(msgspec.Struct):
    context_length: int | None = None


class _Processes(msgspec.Struct):
    models: list[_Running] | None = None


class _ShowResponse(msgspec.Struct):
    """The window's key in `model_info` begins with the name of the model's architecture."""

    model_info: dict[str, object] = {}
    capabilities: list[str] | None = None


def _greets(responses: ProbeResponses) -> bool:
    return "/" in responses and responses["/"].body.strip() == _GREETING


def _version(responses: ProbeResponses) -> str:
    return read(responses, "/api/version", Version).version


def _recognise(responses: ProbeResponses) -> bool:
    return _greets(responses) and bool(_version(responses))


def _windows(responses: ProbeResponses) -> list[int | None]:
    return [model.context_length for model in read(responses, "/api/ps", _Processes).models or ()]


def _show(model: str) -> WireRequest:
    return WireRequest("/api/show", json_body({"model": model}))


def _details(body: bytes, model: ModelInfo) -> ModelInfo:
    details = msgspec.json.decode(body, type=_ShowResponse)
    architecture = details.model_info.get("general.architecture")
    return with_details(model, details.model_info.get(f"{architecture}.context_length"), details.capabilities)


SERVER: Final = ServerKind(
    name="ollama",
    rank=1,
    ports=(11434,),
    hinted=_greets,
    probes=("/api/version",),
    recognise=_recognise,
    state_probes=("/api/ps",),
    version=_version,
    windows=_windows,
    details=DetailsEndpoint(_show, _details),
)
