"""Servers that nobody here wrote, as child processes on loopback ports, and the wire formats they speak."""

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
"""Tokens of a prompt that llmock takes."""


class Format(NamedTuple):
    """A wire format as llmock serves it: at which path, to which provider of the catalog, under which model.

    `preamble` is the number of records that come before those with text.
    """

    provider: str
    path: str
    model: str
    preamble: int


FORMATS: Mapping[str, Format] = {
    "openai chat": Format("openai", "/v1", "gpt-6-luna", 1),
    "openai responses": Format("openai", "/v1", "gpt-5-codex", 4),  # a model that has no other
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
    """What llmock has to say against its client."""

    severity: str
    code: str


class _Verdict(msgspec.Struct):
    findings: list[Finding]


class LLMock:
    """llmock: it answers in several formats, breaks answers as it is told to, and judges its client."""

    def __init__(self, address: str, client: httpx.Client) -> None:
        self.address = address
        self._client = client

    def script(self, behaviour: str, *, model: str | None = None, **fields: object) -> None:
        """What the next request, or the next one for `model`, will meet, in llmock's own words."""
        scripted = {"type": behaviour, **fields, "match": {"model": model} if model else {}}
        self._client.post("/_llmock/scenario", json={"behaviors": [scripted]}).raise_for_status()

    def seen(self) -> list[Seen]:
        """The requests since the test began, once those under way have ended."""
        return msgspec.json.decode(self._client.get("/_llmock/requests").content, type=_Journal).requests

    def findings(self) -> list[Finding]:
        """Its verdict on the client since the test began."""
        return msgspec.json.decode(self._client.get("/_llmock/verdict").content, type=_Verdict).findings

    def forget(self) -> None:
        self._client.post("/_llmock/reset").raise_for_status()


@contextmanager
def serving(application: str, folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The address of an ASGI program that runs in `folder`, with nothing of this environment but the path.

    Its socket takes connections from the start: whoever asks too early waits instead of being refused.
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
