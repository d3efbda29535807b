"""Local servers, found on their usual ports.

Only GET is used, no key is ever shown, no redirect followed, and nothing but this machine asked unless the caller names
a host. What the answers mean is decided in `fingerprints`, without I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Final

import msgspec

from swebench_providers.auth.strategies import NoAuth
from swebench_providers.config import TimeLimits
from swebench_providers.http.interface import USER_AGENT, HTTPResponse, HTTPTransport
from swebench_providers.servers import fingerprints
from swebench_providers.servers.fingerprints import DESCRIPTION, MODELS, Answered, Answers, ServerKind, recognise
from swebench_providers.types.errors import ProviderError

__all__ = [
    "LOOPBACK",
    "USUAL_PORTS",
    "Answered",
    "Answers",
    "Found",
    "ServerKind",
    "discover",
    "listening",
    "recognise",
]

LOOPBACK: Final = "127.0.0.1"
USUAL_PORTS: Final = (11434, 1234, 8080, 9931, 8000, 30000, 1919, 4000, 5000, 3000, 1337, 5001)
"""Ollama, LM Studio, llama.cpp (two), vLLM and FastChat, SGLang (two), then servers of kinds told apart no further:
LiteLLM, text-generation-webui, TGI, Jan, KoboldCpp."""

PROBE_SECONDS: Final = 1.5
ACCEPT_SECONDS: Final = 0.3  # a busy server's machine accepts for it
TOTAL_SECONDS: Final = 1.6  # what is left of two seconds is for accepting before, and closing connections

_MAX_BODY: Final = 4 * 1024 * 1024  # bytes; the longest that is wanted, a description of an API, has half of one

_NAMES: Final = {
    ServerKind.OLLAMA: "Ollama",
    ServerKind.VLLM: "vLLM",
    ServerKind.SGLANG: "SGLang",
    ServerKind.LLAMACPP: "llama.cpp",
    ServerKind.LMSTUDIO: "LM Studio",
    ServerKind.FASTCHAT: "FastChat",
    ServerKind.COMPATIBLE: "OpenAI-compatible server",
}

_UNTOLD: Final = frozenset({None, ServerKind.COMPATIBLE})
"""What is known before anything has told the kind."""

_TELLING: Final = (
    "/api/version", "/api/v1/models", "/api/v0/models", "/props", "/version", "/ping", "/get_model_info",
    "/server_info", "/health",
)  # fmt: skip
_DETAILS: Final[Mapping[ServerKind | None, tuple[str, ...]]] = {
    ServerKind.OLLAMA: ("/api/ps",),
    ServerKind.VLLM: ("/version",),
    ServerKind.SGLANG: ("/server_info",),
    ServerKind.LLAMACPP: ("/props",),
    ServerKind.LMSTUDIO: ("/api/v1/models",),
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is there. `version` and `models` are its own words: text like any other from outside.

    `base_url` is what its provider takes. `version` is "" where it tells none. `context_window` is in tokens, of what
    is loaded, the smallest of several; None is unknown. One that `needs_key` lists its models only to who has it.
    """

    kind: ServerKind
    name: str
    base_url: str
    version: str = ""
    models: tuple[str, ...] = ()
    context_window: int | None = None
    needs_key: bool = False


async def listening(host: str = LOOPBACK, ports: Sequence[int] = USUAL_PORTS) -> list[int]:
    """The ports at which anything accepts a connection: the cheap question before `discover`. Raises nothing.

    Mostly nothing is there, and then no HTTP client has to be loaded, which takes longer than all of this.
    """
    there = await asyncio.gather(*(_accepts(host, port) for port in ports))
    return [port for port, accepts in zip(ports, there, strict=True) if accepts]


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
) -> list[Found]:
    """The servers at these ports of these hosts, in this order. Raises nothing: what does not answer is not there.

    All are asked at once. When `total_seconds` are over, what has been answered by then decides.
    """
    answers: dict[str, dict[str, Answered]] = {_address(host, port): {} for host in hosts for port in ports}
    with suppress(TimeoutError):
        async with asyncio.timeout(total_seconds), asyncio.TaskGroup() as group:
            for address, heard in answers.items():
                group.create_task(_Interview(transport, address, heard, probe_seconds).hold())
    return [found for address, heard in answers.items() if (found := _found(address, heard)) is not None]


class _Interview:
    """The questions put to one address; `heard` fills with its answers."""

    def __init__(
        self, transport: HTTPTransport, address: str, heard: dict[str, Answered], probe_seconds: float
    ) -> None:
        self._transport = transport
        self._address = address
        self._heard = heard
        self._probe_seconds = probe_seconds

    async def hold(self) -> None:
        """Ask no more than it takes: what is no server of models gets two questions."""
        await self._ask(MODELS, "/")
        if not fingerprints.worth_asking(self._heard):
            return
        if fingerprints.greets(self._heard):
            await self._ask("/api/version")
        if recognise(self._heard) in _UNTOLD:
            await self._ask(*_TELLING)
        if recognise(self._heard) in _UNTOLD and fingerprints.describes_itself(self._heard):
            await self._ask(DESCRIPTION)
        await self._ask(*_DETAILS.get(recognise(self._heard), ()))

    async def _ask(self, *paths: str) -> None:
        await asyncio.gather(*(self._probe(path) for path in paths if path not in self._heard))

    async def _probe(self, path: str) -> None:
        limits = TimeLimits(connect=self._probe_seconds, idle=self._probe_seconds)
        headers = {"user-agent": USER_AGENT}
        with suppress(ProviderError, TimeoutError):
            async with (
                asyncio.timeout(self._probe_seconds),  # one that trickles is never silent
                self._transport.send(
                    "GET", f"{self._address}{path}", headers=headers, auth=NoAuth(), body=None, limits=limits
                ) as response,
            ):
                body = await _short_body(response)
                if body is not None:
                    self._heard[path] = Answered(response.status, response.headers, body)


async def _short_body(response: HTTPResponse) -> bytes | None:
    """The body; None where it is longer than anything that is looked for here."""
    body = bytearray()
    async with aclosing(response.chunks()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_BODY:
                return None
    return bytes(body)


def _found(address: str, answers: Answers) -> Found | None:
    kind = recognise(answers)
    if kind is None:
        return None
    return Found(
        kind=kind,
        name=_NAMES[kind],
        base_url=address if kind is ServerKind.OLLAMA else f"{address}/v1",
        version=fingerprints.version(kind, answers),
        models=fingerprints.models(answers),
        context_window=fingerprints.context_window(kind, answers),
        needs_key=fingerprints.needs_key(answers),
    )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
