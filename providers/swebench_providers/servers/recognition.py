"""Which kind of local server sent these responses (wire-contracts 8.2). No I/O."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.servers import server_kinds
from swebench_providers.servers.probes import (
    DESCRIPTION,
    MODELS,
    ModelList,
    ProbeResponses,
    is_json_object,
    listed_models,
    needs_key,
    read,
)

COMPATIBLE: Final = "compatible"
"""The name of a server that speaks OpenAI's Chat Completions, where nothing shows its kind."""


class _Description(msgspec.Struct):
    paths: dict[str, msgspec.Raw] = {}


def recognise(responses: ProbeResponses) -> str | None:
    """The name of the kind, which is that of a provider; None is no server of models.

    The first that holds of: the owner in the list of models, what a kind answers at paths of its own, the paths in the
    API's description. Else a list of models, or a refusal of it in JSON, is a compatible server.
    """
    kinds = server_kinds().values()
    owner = next((model.owned_by for model in listed_models(responses)), None)
    paths = read(responses, DESCRIPTION, _Description).paths.keys()
    return (
        next((kind.name for kind in kinds if owner is not None and kind.owner == owner), None)
        or next((kind.name for kind in kinds if kind.recognise(responses)), None)
        or next((kind.name for kind in kinds if kind.api_paths and kind.api_paths <= paths), None)
        or (COMPATIBLE if _lists_models(responses) or _refuses_in_json(responses) else None)
    )


def worth_probing(responses: ProbeResponses) -> bool:
    """Whether the responses to `MODELS` and / may come from a server of models: a JSON object, or a kind's greeting."""
    hinted = any(kind.hinted(responses) for kind in server_kinds().values())
    return hinted or (MODELS in responses and is_json_object(responses[MODELS]))


def has_description(responses: ProbeResponses) -> bool:
    """Whether there is a description of the API to read: vLLM, SGLang and FastChat have one, written by FastAPI."""
    return any(response.headers.get("server") == "uvicorn" for response in responses.values())


def _lists_models(responses: ProbeResponses) -> bool:
    return read(responses, MODELS, ModelList).data is not None


def _refuses_in_json(responses: ProbeResponses) -> bool:
    """A server of models refuses in JSON; other services that answer 401 or 403 to everything do not."""
    return needs_key(responses) and is_json_object(responses[MODELS])
