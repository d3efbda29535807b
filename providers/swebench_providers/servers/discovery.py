"""Local servers on their usual ports.

Only GET is used, no key is ever sent, no redirect followed, and only this machine is contacted unless the caller names
a host. What the responses mean is decided in `recognition`, without I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing, suppress
from typing import Final

import msgspec

from swebench_providers.auth.strategies import NoAuth
from swebench_providers.catalog import provider_spec
from swebench_providers.config import TimeLimits
from swebench_providers.http.interface import USER_AGENT, HTTPResponse, HTTPTransport
from swebench_providers.servers import server_kinds
from swebench_providers.servers.probes import (
    DESCRIPTION,
    MODELS,
    ProbeResponse,
    ProbeResponses,
    listed_models,
    listed_windows,
    needs_key,
    positive,
)
from swebench_providers.servers.recognition import COMPATIBLE, has_description, recognise, worth_probing
from swebench_providers.types.errors import ProviderError

LOOPBACK: Final = "127.0.0.1"

_OTHER_PORTS: Final = (4000, 5000, 3000, 1337, 5001)
"""Of servers that are recognised as compatible only: LiteLLM, text-generation-webui, TGI, Jan, KoboldCpp."""

USUAL_PORTS: Final = tuple(
    dict.fromkeys((*(port for kind in server_kinds().values() for port in kind.ports), *_OTHER_PORTS))
)
"""In the order in which they are scanned, the most common servers' first."""

PROBE_SECONDS: Final = 1.5
ACCEPT_SECONDS: Final = 0.3  # a busy server's machine accepts for it
TOTAL_SECONDS: Final = 1.6  # what is left of two seconds is for accepting before, and closing connections

_MAX_BODY: Final = 4 * 1024 * 1024  # bytes; the longest that is wanted, a description of an API, has half of one

_UNDECIDED: Final = frozenset({None, COMPATIBLE})


class FoundServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers. `version` and `models` are the server's own text, like any other from outside.

    `kind` is the name of its provider in the catalog; `base_url` is what that provider takes. `version` is "" where the
    server reports none. `context_window` is in tokens, of what is loaded, the smallest of several; None is unknown. One
    that `needs_key` lists its models only to requests with a key.
    """

    kind: str
    name: str
    base_url: str
    version: str = ""
    models: tuple[str, ...] = ()
    context_window: int | None = None
    needs_key: bool = False


async def listening(host: str = LOOPBACK, ports: Sequence[int] = USUAL_PORTS) -> list[int]:
    """The ports at which anything accepts a connection: the cheap check before `discover`. Raises nothing.

    Mostly there is nothing, and then no HTTP client has to be loaded, which takes longer than all of this.
    """
    accepting = await asyncio.gather(*(_accepts(host, port) for port in ports))
    return [port for port, accepts in zip(ports, accepting, strict=True) if accepts]


async def _accepts(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ACCEPT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def discover(
    transport: HTTPTransport,
    *,
    hosts: Iterable[str] = (LOOPBACK,),
    ports: Sequence[int] = USUAL_PORTS,
    probe_seconds: float = PROBE_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> list[FoundServer]:
    """The servers at these ports of these hosts, in this order. Raises nothing: a silent port is skipped.

    All are probed at once. When `total_seconds` are over, the responses that have arrived decide.
    """
    scans: dict[str, dict[str, ProbeResponse]] = {_address(host, port): {} for host in hosts for port in ports}
    with suppress(TimeoutError):
        async with asyncio.timeout(total_seconds), asyncio.TaskGroup() as group:
            for address, responses in scans.items():
                group.create_task(_Scan(transport, address, responses, probe_seconds).run())
    return [server for address, responses in scans.items() if (server := _found(address, responses)) is not None]


class _Scan:
    """The probes of one address; `responses` fills as they arrive."""

    def __init__(
        self, transport: HTTPTransport, address: str, responses: dict[str, ProbeResponse], probe_seconds: float
    ) -> None:
        self._transport = transport
        self._address = address
        self._responses = responses
        self._probe_seconds = probe_seconds

    async def run(self) -> None:
        """Send no more probes than it takes: an address that serves no models gets two."""
        kinds = server_kinds()
        await self._probe(MODELS, "/")
        if not worth_probing(self._responses):
            return
        await self._probe(*(path for kind in kinds.values() if kind.hinted(self._responses) for path in kind.probes))
        if recognise(self._responses) in _UNDECIDED:
            await self._probe(*(path for kind in kinds.values() for path in kind.probes))
        if recognise(self._responses) in _UNDECIDED and has_description(self._responses):
            await self._probe(DESCRIPTION)
        kind = kinds.get(recognise(self._responses) or "")
        if kind is not None:
            await self._probe(*kind.state_probes)

    async def _probe(self, *paths: str) -> None:
        await asyncio.gather(*(self._get(path) for path in dict.fromkeys(paths) if path not in self._responses))

    async def _get(self, path: str) -> None:
        limits = TimeLimits(connect=self._probe_seconds, idle=self._probe_seconds)
        headers = {"user-agent": USER_AGENT}
        with suppress(ProviderError, TimeoutError):
            async with (
                asyncio.timeout(self._probe_seconds),  # one that trickles is never silent
                self._transport.send(
                    "GET", f"{self._address}{path}", headers=headers, auth=NoAuth(), body=None, limits=limits
                ) as response,
            ):
                body = await _bounded_body(response)
                if body is not None:
                    self._responses[path] = ProbeResponse(response.status, response.headers, body)


async def _bounded_body(response: HTTPResponse) -> bytes | None:
    """The body; None where it is longer than any that is read here."""
    body = bytearray()
    async with aclosing(response.chunks()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_BODY:
                return None
    return bytes(body)


def _found(address: str, responses: ProbeResponses) -> FoundServer | None:
    name = recognise(responses)
    if name is None:
        return None
    kind, spec = server_kinds().get(name), provider_spec(name)
    windows = kind.windows(responses) if kind else listed_windows(responses)
    return FoundServer(
        kind=name,
        name=spec.title if kind else f"{spec.title} server",
        base_url=f"{address}{spec.default_path}",
        version=kind.version(responses) if kind else "",
        models=tuple(model.id for model in listed_models(responses) if model.id),
        context_window=min(filter(None, map(positive, windows)), default=None),
        needs_key=needs_key(responses),
    )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
