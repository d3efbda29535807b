"""Which local server is behind a port, from what it answers (api-contracts 8.2). No I/O.

Servers imitate each other's paths, and some answer 200 to anything, so it is the body that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

import msgspec

from swebench_providers.protocols.failures import UNREADABLE

MODELS: Final = "/v1/models"
DESCRIPTION: Final = "/openapi.json"

_GREETING: Final = b"Ollama is running"
_KEY_NEEDED: Final = frozenset({401, 403})

T = TypeVar("T")


class ServerKind(StrEnum):
    """A kind of server, by the name its provider has in the catalog."""

    OLLAMA = "ollama"
    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    LMSTUDIO = "lmstudio"
    FASTCHAT = "fastchat"
    COMPATIBLE = "compatible"


class Answered(NamedTuple):
    """What a server answered to one GET. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Answers = Mapping[str, Answered]
"""By path; one that was not asked for, or not answered, is not in it."""


class _Model(msgspec.Struct):
    id: str = ""
    owned_by: str | None = None
    max_model_len: int | None = None
    permission: object = None
    state: str | None = None


class _Models(msgspec.Struct):
    data: list[_Model] | None = None


class _Version(msgspec.Struct):
    version: str = ""


class _Settings(msgspec.Struct):
    n_ctx: int | None = None


class _Props(msgspec.Struct):
    default_generation_settings: _Settings | None = None
    build_info: str = ""


class _Loaded(msgspec.Struct):
    context_length: int | None = None


class _Instance(msgspec.Struct):
    config: _Loaded | None = None


class _Download(msgspec.Struct):
    """A model LM Studio has on disk, and what of it is loaded."""

    loaded_instances: list[_Instance] | None = None


class _Downloads(msgspec.Struct):
    models: list[_Download] | None = None


class _Running(msgspec.Struct):
    models: list[_Loaded] | None = None


class _Served(msgspec.Struct):
    model_path: str = ""


class _Description(msgspec.Struct):
    paths: dict[str, msgspec.Raw] = {}


class _Reason(msgspec.Struct):
    code: int | None = None
    type: str = ""


class _Refusal(msgspec.Struct):
    error: _Reason | None = None


class _Health(msgspec.Struct):
    status: str = ""


def recognise(answers: Answers) -> ServerKind | None:
    """What answered, by the first row of the table that fits; None is no server of models."""
    return next((kind for row in _ROWS if (kind := row(answers)) is not None), None)


def worth_asking(answers: Answers) -> bool:
    """Whether the answers to `MODELS` and / may be those of a server of models: a JSON object, or Ollama's greeting."""
    return greets(answers) or (MODELS in answers and _is_object(answers[MODELS]))


def greets(answers: Answers) -> bool:
    """Whether / says what Ollama says there."""
    return "/" in answers and answers["/"].body.strip() == _GREETING


def describes_itself(answers: Answers) -> bool:
    """Whether there is a description of the API to read: vLLM, SGLang and FastChat have one, written by FastAPI."""
    return any(answer.headers.get("server") == "uvicorn" for answer in answers.values())


def needs_key(answers: Answers) -> bool:
    """Whether the list of models was refused."""
    return MODELS in answers and answers[MODELS].status in _KEY_NEEDED


def models(answers: Answers) -> tuple[str, ...]:
    """The names of the models, in the server's order."""
    return tuple(model.id for model in _listed(answers) if model.id)


def version(kind: ServerKind, answers: Answers) -> str:
    """The version in the server's own words; "" where it tells none."""
    if kind is ServerKind.LLAMACPP:
        return _read(answers, "/props", _Props).build_info
    path = {ServerKind.OLLAMA: "/api/version", ServerKind.VLLM: "/version", ServerKind.SGLANG: "/server_info"}.get(kind)
    return "" if path is None else _read(answers, path, _Version).version


def context_window(kind: ServerKind, answers: Answers) -> int | None:
    """Tokens of the window that is loaded, the smallest of several: often far less than what the model could have."""
    return min((size for size in _windows(kind, answers) if size is not None and size > 0), default=None)


def _windows(kind: ServerKind, answers: Answers) -> list[int | None]:
    match kind:
        case ServerKind.LLAMACPP:
            settings = _read(answers, "/props", _Props).default_generation_settings or _Settings()
            return [settings.n_ctx]
        case ServerKind.OLLAMA:
            return [model.context_length for model in _read(answers, "/api/ps", _Running).models or ()]
        case ServerKind.LMSTUDIO:
            downloads = _read(answers, "/api/v1/models", _Downloads).models or ()
            instances = [instance for model in downloads for instance in model.loaded_instances or ()]
            return [instance.config.context_length for instance in instances if instance.config]
        case _:
            return [model.max_model_len for model in _listed(answers)]


_OWNERS: Final = {
    "vllm": ServerKind.VLLM,
    "sglang": ServerKind.SGLANG,
    "llamacpp": ServerKind.LLAMACPP,
    "fastchat": ServerKind.FASTCHAT,
    "organization_owner": ServerKind.LMSTUDIO,
}


def _by_owner(answers: Answers) -> ServerKind | None:
    return next((_OWNERS.get(model.owned_by or "") for model in _listed(answers)), None)


def _ollama(answers: Answers) -> ServerKind | None:
    told = greets(answers) and _read(answers, "/api/version", _Version).version
    return ServerKind.OLLAMA if told else None


def _lmstudio(answers: Answers) -> ServerKind | None:
    downloads = _read(answers, "/api/v1/models", _Downloads).models or ()
    states = _read(answers, "/api/v0/models", _Models).data or ()
    told = any(model.loaded_instances is not None for model in downloads) or any(model.state for model in states)
    return ServerKind.LMSTUDIO if told else None


def _llamacpp(answers: Answers) -> ServerKind | None:
    props = _read(answers, "/props", _Props)
    told = props.default_generation_settings is not None and props.build_info
    named = any(answer.headers.get("server", "").lower() == "llama.cpp" for answer in answers.values())
    return ServerKind.LLAMACPP if told or named else None


def _vllm(answers: Answers) -> ServerKind | None:
    """A version and a ping any service may have, so they tell only where there are models too, or a key is wanted."""
    pings = "/ping" in answers and answers["/ping"].status == 200 and _read(answers, "/version", _Version).version
    lists = any(model.permission is not None and model.max_model_len for model in _listed(answers))
    return ServerKind.VLLM if lists or (pings and (_listed(answers) or needs_key(answers))) else None


def _sglang(answers: Answers) -> ServerKind | None:
    told = any(_read(answers, path, _Served).model_path for path in ("/get_model_info", "/server_info"))
    return ServerKind.SGLANG if told else None


def _by_description(answers: Answers) -> ServerKind | None:
    paths = _read(answers, DESCRIPTION, _Description).paths
    if "/api/v1/token_check" in paths:
        return ServerKind.FASTCHAT
    if "/tokenize" in paths and "/invocations" in paths:
        return ServerKind.VLLM
    return ServerKind.SGLANG if "/get_model_info" in paths else None


def _compatible(answers: Answers) -> ServerKind | None:
    return ServerKind.COMPATIBLE if _read(answers, MODELS, _Models).data is not None else None


def _locked(answers: Answers) -> ServerKind | None:
    """A server that wants a key says so in JSON; other things that answer 401 or 403 to everything do not."""
    if not (needs_key(answers) and _is_object(answers[MODELS])):
        return None
    reason = _decoded(answers[MODELS].body, _Refusal).error or _Reason()
    own_words = (reason.code, reason.type) == (401, "authentication_error")
    healthy = _read(answers, "/health", _Health).status == "ok"
    return ServerKind.LLAMACPP if own_words and healthy else ServerKind.COMPATIBLE


_ROWS: Final = (
    _by_owner, _ollama, _lmstudio, _llamacpp, _vllm, _sglang, _by_description, _compatible, _locked,
)  # fmt: skip


def _listed(answers: Answers) -> list[_Model]:
    return _read(answers, MODELS, _Models).data or []


def _read(answers: Answers, path: str, shape: type[T]) -> T:
    """What was answered to `path`; the empty `shape` where that was an error, or something else."""
    answer = answers.get(path)
    return _decoded(answer.body if answer is not None and answer.status == 200 else b"{}", shape)


def _decoded(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE:
        return shape()


def _is_object(answer: Answered) -> bool:
    try:
        return isinstance(msgspec.json.decode(answer.body), dict)
    except UNREADABLE:
        return False
