"""Responses of one address to GET probes, and what any server's say: its list of models, its version. No I/O.

Servers imitate each other's paths, and some answer 200 to anything, so it is the body that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from swebench_providers.protocols.failures import UNREADABLE
from swebench_providers.types.models import ModelInfo

MODELS: Final = "/v1/models"
DESCRIPTION: Final = "/openapi.json"

_KEY_NEEDED: Final = frozenset({401, 403})

T = TypeVar("T")


class ProbeResponse(NamedTuple):
    """A server's response to one GET. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


ProbeResponses = Mapping[str, ProbeResponse]
"""By path; one that was not requested, or got no response, is not in it."""


class ListedModel(msgspec.Struct):
    """A model in the list at `/v1/models`, with the fields by which servers differ."""

    id: str = ""
    owned_by: str | None = None
    max_model_len: int | None = None
    permission: object = None
    state: str | None = None


class ModelList(msgspec.Struct):
    """OpenAI's list of models; `data` is None where the body is another object."""

    data: list[ListedModel] | None = None


class Version(msgspec.Struct):
    """The body that several servers send at a path of their own."""

    version: str = ""


def read(responses: ProbeResponses, path: str, shape: type[T]) -> T:
    """The body at `path`; the empty `shape` where the response was an error, or something else."""
    response = responses.get(path)
    return decode(response.body if response is not None and response.status == 200 else b"{}", shape)


def decode(body: bytes, shape: type[T]) -> T:
    """A JSON body; the empty `shape` where it is another one."""
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE:
        return shape()


def is_json_object(response: ProbeResponse) -> bool:
    """Whether the body is a JSON object, whatever the status."""
    try:
        return isinstance(msgspec.json.decode(response.body), dict)
    except UNREADABLE:
        return False


def listed_models(responses: ProbeResponses) -> list[ListedModel]:
    """The models in the server's order; none where there is no list."""
    return read(responses, MODELS, ModelList).data or []


def listed_windows(responses: ProbeResponses) -> list[int | None]:
    """The window of each listed model, as vLLM and SGLang have it in their lists."""
    return [model.max_model_len for model in listed_models(responses)]


def needs_key(responses: ProbeResponses) -> bool:
    """Whether the list of models was refused for want of a key."""
    return MODELS in responses and responses[MODELS].status in _KEY_NEEDED


def positive(value: object) -> int | None:
    """A number of tokens, slots or the like that a server reports; None for anything else, 0 included."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def with_details(model: ModelInfo, window: object, capabilities: Sequence[str] | None = None) -> ModelInfo:
    """`model` with a window where that is one, and with capabilities where any are reported."""
    return msgspec.structs.replace(
        model,
        context_window=positive(window) or model.context_window,
        capabilities=tuple(capabilities or model.capabilities),
    )
