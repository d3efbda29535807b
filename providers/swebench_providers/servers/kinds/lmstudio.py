"""LM Studio (wire-contracts 2.1, 8.2). It reports no version, and has no endpoint that counts tokens."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.servers.interface import DetailsEndpoint, ServerKind, get
from swebench_providers.servers.probes import ModelList, ProbeResponses, read, with_details
from swebench_providers.types.models import ModelInfo

_MODELS: Final = "/api/v1/models"
_OLDER_MODELS: Final = "/api/v0/models"


class _Config(msgspec.Struct):
    context_length: int | None = None


class _Instance(msgspec.Struct):
    id: str = ""
    config: _Config = msgspec.field(default_factory=_Config)


class _Abilities(msgspec.Struct):
    vision: object = False
    trained_for_tool_use: object = False


class _Download(msgspec.Struct):
    """A model on disk, and what of it is loaded."""

    key: str = ""
    loaded_instances: list[_Instance] | None = None
    capabilities: _Abilities | None = None


class _Downloads(msgspec.Struct):
    models: list[_Download] | None = None


def _recognise(responses: ProbeResponses) -> bool:
    downloads = read(responses, _MODELS, _Downloads).models or ()
    older = read(responses, _OLDER_MODELS, ModelList).data or ()
    return any(model.loaded_instances is not None for model in downloads) or any(model.state for model in older)


def _windows(responses: ProbeResponses) -> list[int | None]:
    downloads = read(responses, _MODELS, _Downloads).models or ()
    return [instance.config.context_length for model in downloads for instance in model.loaded_instances or ()]


def _details(body: bytes, model: ModelInfo) -> ModelInfo:
    """A model is requested by its key or by the name of a loaded instance; of several the smallest window holds."""
    for download in msgspec.json.decode(body, type=_Downloads).models or ():
        instances = download.loaded_instances or []
        named = [instance for instance in instances if instance.id == model.id]
        if not named and download.key != model.id:
            continue
        windows = [instance.config.context_length for instance in named or instances]
        known = download.capabilities or _Abilities()
        abilities = {"tools": known.trained_for_tool_use, "vision": known.vision}
        window = min((size for size in windows if size), default=None)
        return with_details(model, window, [name for name, has in abilities.items() if has is True])
    return model


SERVER: Final = ServerKind(
    name="lmstudio",
    rank=2,
    ports=(1234,),
    owner="organization_owner",
    probes=(_MODELS, _OLDER_MODELS),
    recognise=_recognise,
    state_probes=(_MODELS,),
    windows=_windows,
    details=DetailsEndpoint(get(_MODELS), _details, for_all=True),
)
