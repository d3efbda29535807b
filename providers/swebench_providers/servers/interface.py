"""The description of a kind of local server: how it is recognised, and its endpoints (wire-contracts 2.1, 8).

No I/O: requests are written and responses decoded here; `discovery` and `queries` send them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from swebench_providers.protocols.base import WireRequest
from swebench_providers.servers.probes import ProbeResponses, listed_windows
from swebench_providers.tokens.count_endpoints import CountEndpoint
from swebench_providers.types.models import ModelInfo


class DetailsEndpoint(NamedTuple):
    """Where a server reports more of a model than its list does. The path is below the root of the server.

    `encode` writes the request for a model. `decode` adds the facts in the body to a model; it raises
    `msgspec.DecodeError`. With `for_all` one response covers every model, and the request names none.
    """

    encode: Callable[[str], WireRequest]
    decode: Callable[[bytes, ModelInfo], ModelInfo]
    for_all: bool = False


class SlotsEndpoint(NamedTuple):
    """Where a server reports how many requests it runs at once. The path is below the root of the server.

    `decode` is None for a body that does not say, and raises `msgspec.DecodeError`.
    """

    request: WireRequest
    decode: Callable[[bytes], int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerKind:
    """One kind of local server. `name` is that of its provider in the catalog.

    Recognition works on the responses to GET probes, by path. `ports` are the usual ones. The kind of the smaller
    `rank` is scanned for and recognised first. `owner` is what the list of models has as `owned_by`. `hinted` says
    whether the responses to `/v1/models` and `/` already point to this kind, so that its `probes` go before those of
    the others. `recognise` decides by the responses to `probes`. `api_paths` are, all together, in no other kind's
    `/openapi.json`.

    Once the kind is known, `state_probes` are sent, and `version` ("" where there is none) and `windows` (tokens of
    each window that is loaded) read the responses. None as endpoint: the server has none.
    """

    name: str
    rank: int = 100
    ports: tuple[int, ...] = ()
    owner: str | None = None
    hinted: Callable[[ProbeResponses], bool] = lambda _: False
    probes: tuple[str, ...] = ()
    recognise: Callable[[ProbeResponses], bool] = lambda _: False
    api_paths: frozenset[str] = frozenset()
    state_probes: tuple[str, ...] = ()
    version: Callable[[ProbeResponses], str] = lambda _: ""
    windows: Callable[[ProbeResponses], Iterable[int | None]] = listed_windows
    details: DetailsEndpoint | None = None
    slots: SlotsEndpoint | None = None
    count: CountEndpoint | None = None


def get(path: str) -> Callable[[str], WireRequest]:
    """The `encode` of a request without a body, the same for every model."""
    return lambda _: WireRequest(path, b"", method="GET")
