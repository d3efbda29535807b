"""Third-party servers as child processes on loopback ports, and their wire formats."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

CHILD = Path(__file__).with_name("asgi_child.py")
WINDOW = 2000
"""Tokens of the longest prompt that llmock accepts."""


class Format(NamedTuple):
    """A wire format of llmock: provider of the catalog, path, and model.

    `preamble` is the number of records before the first one with text.
    """

    provider: str
    path: str
    model: str
    preamble: int


FORMATS: Mapping[str, Format] = {
    "openai chat": Format("openai", "/v1", "gpt-6-luna", 1),
    "openai responses": Format("openai", "/v1", "gpt-5-codex", 4),  # a model without another format
    "anthropic": Format("anthropic", "/anthropic", "claude-haiku-5-5", 3),
    "gemini": Format("gemini", "/gemini/v1beta", "gemini-3.8-flash", 0),
}


class Seen(msgspec.Struct):
    """A request as llmock recorded it."""

    status: int
    fault: str | None
    path: str


class _Journal(msgspec.Struct):
    requests: list[Seen]


class Finding(msgspec.Struct):
    """A complaint of llmock about its client."""

    severity: str
    code: str


class _Verdict(msgspec.Struct):
    findings: list[Finding]


class LLMock:
    """llmock: it answers in several formats, breaks answers on demand, and checks its client."""

    def __init__(self, address: str, client: httpx.Client) -> None:
        self.address = address
        self._client = client

    def script(self, behaviour: str, *, model: str | None = None, **fields: object) -> None:
        """Set the behaviour for the next request, or the next one for `model`, in llmock's own terms."""
        scripted = {"type": behaviour, **fields, "match": {"model": model} if model else {}}
        self._client.post("/_llmock/scenario", json={"behaviors": [scripted]}).raise_for_status()

    def seen(self) -> list[Seen]:
        """The requests since the test began, once those in flight have ended."""
        return msgspec.json.decode(self._client.get("/_llmock/requests").content, type=_Journal).requests

    def findings(self) -> list[Finding]:
        """Its verdict on the client since the test began."""
        return msgspec.json.decode(self._client.get("/_llmock/verdict").content, type=_Verdict).findings

    def reset(self) -> None:
        self._client.post("/_llmock/reset").raise_for_status()


@contextmanager
def serving(application: str, folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The address of an ASGI program that runs in `folder`, with `PATH` alone of this environment.

    Its socket accepts connections from the start: an early request waits instead of being refused.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, CHILD, application, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            cwd=folder,
            env={"PATH": os.environ["PATH"], **environ},
        )
    with process:
        try:
            yield address
        finally:
            process.kill()
