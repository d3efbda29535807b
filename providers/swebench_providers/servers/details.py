"""What a server tells of its models beside its list of them (api-contracts 2.1, 2.2, 8.2).

The window is the one that holds for a request: where the server cuts or refuses what is longer than what it has loaded,
it is that, and unknown while nothing is loaded. Ollama is told with each request what window to load, so there it is
the model's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from swebench_providers.protocols.base import WireRequest, json_body
from swebench_providers.protocols.failures import UNREADABLE
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.models import ModelInfo

DETAIL_SECONDS: Final = 3.0
"""How long details of all models together may take."""

_AT_ONCE: Final = 8


class DetailWire(NamedTuple):
    """One server's way. `encode` writes the question for a model, below the root of the server.

    `decode` adds to a model what the answer says of it; it raises `msgspec.DecodeError`. With `for_all` one answer
    tells of every model, and the question names none.
    """

    encode: Callable[[str], WireRequest]
    decode: Callable[[bytes, ModelInfo], ModelInfo]
    for_all: bool = False


async def described(
    models: Sequence[ModelInfo], wire: DetailWire, ask: Callable[[WireRequest], Awaitable[bytes]], *, seconds: float
) -> list[ModelInfo]:
    """`models`, in their order, with what was told of them within `seconds`; eight questions are open at a time."""
    told: dict[str, ModelInfo] = {}
    free = asyncio.Semaphore(_AT_ONCE)

    async def learn(group: Sequence[ModelInfo]) -> None:
        async with free:
            with suppress(ProviderError, *UNREADABLE):
                answer = await ask(wire.encode(group[0].id))
                told.update({model.id: wire.decode(answer, model) for model in group})

    groups = [models] if wire.for_all and models else [[model] for model in models]
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(learn(group))
    return [told.get(model.id, model) for model in models]


class _Shown(msgspec.Struct):
    """Ollama's answer. The window's key in `model_info` begins with the name of the model's architecture."""

    model_info: dict[str, object] = {}
    capabilities: list[str] | None = None


def _ollama(body: bytes, model: ModelInfo) -> ModelInfo:
    shown = msgspec.json.decode(body, type=_Shown)
    architecture = shown.model_info.get("general.architecture")
    window = shown.model_info.get(f"{architecture}.context_length")
    return _with(model, window, shown.capabilities)


class _Config(msgspec.Struct):
    context_length: int | None = None


class _Instance(msgspec.Struct):
    id: str = ""
    config: _Config = msgspec.field(default_factory=_Config)


class _Abilities(msgspec.Struct):
    vision: bool = False
    trained_for_tool_use: bool = False


class _Download(msgspec.Struct):
    key: str = ""
    loaded_instances: list[_Instance] = []
    capabilities: _Abilities | None = None


class _Downloads(msgspec.Struct):
    models: list[_Download] = []


def _lmstudio(body: bytes, model: ModelInfo) -> ModelInfo:
    """A model is asked for by its key or by the name of a loaded instance; of several the smallest window holds."""
    for download in msgspec.json.decode(body, type=_Downloads).models:
        named = [instance for instance in download.loaded_instances if instance.id == model.id]
        if not named and download.key != model.id:
            continue
        windows = [instance.config.context_length for instance in named or download.loaded_instances]
        known = download.capabilities or _Abilities()
        abilities = {"tools": known.trained_for_tool_use, "vision": known.vision}
        window = min((size for size in windows if size), default=None)
        return _with(model, window, [name for name, has in abilities.items() if has])
    return model


class _Settings(msgspec.Struct):
    n_ctx: int | None = None


class _Props(msgspec.Struct):
    default_generation_settings: _Settings = msgspec.field(default_factory=_Settings)


def _llamacpp(body: bytes, model: ModelInfo) -> ModelInfo:
    return _with(model, msgspec.json.decode(body, type=_Props).default_generation_settings.n_ctx)


class _Checked(msgspec.Struct, rename="camel"):
    context_length: int | None = None


class _TokenCheck(msgspec.Struct):
    prompts: list[_Checked] = []


def _fastchat(body: bytes, model: ModelInfo) -> ModelInfo:
    return _with(
        model, next((check.context_length for check in msgspec.json.decode(body, type=_TokenCheck).prompts), None)
    )


def _with(model: ModelInfo, window: object, capabilities: Sequence[str] | None = None) -> ModelInfo:
    """`model` with a window where that is one, and with capabilities where any are told."""
    known = isinstance(window, int) and window > 0
    return msgspec.structs.replace(
        model,
        context_window=window if known else model.context_window,
        capabilities=tuple(capabilities or model.capabilities),
    )


def _ask_ollama(model: str) -> WireRequest:
    return WireRequest("/api/show", json_body({"model": model}))


def _ask_fastchat(model: str) -> WireRequest:
    """Whether an empty prompt fits, which is told with the window it would have to fit."""
    return WireRequest("/api/v1/token_check", json_body({"prompts": [{"model": model, "prompt": "", "max_tokens": 0}]}))


def _get(path: str) -> Callable[[str], WireRequest]:
    return lambda _: WireRequest(path, b"", method="GET")


DETAIL_WIRES: Final[Mapping[str, DetailWire]] = {
    "ollama": DetailWire(_ask_ollama, _ollama),
    "lmstudio": DetailWire(_get("/api/v1/models"), _lmstudio, for_all=True),
    "llamacpp": DetailWire(_get("/props"), _llamacpp, for_all=True),
    "fastchat": DetailWire(_ask_fastchat, _fastchat),
}
"""By the server's name in `details` of the catalog."""
