"""The fault server outside the event loop of a test: in a thread, or in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from tests.fault_server.server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from tests.fault_server.script import Script

T = TypeVar("T")
_PROJECT = Path(__file__).parents[2]


class Address(msgspec.Struct):
    """The line that a server started with `--json` prints when it listens."""

    base_url: str


class FaultServerThread:
    """A FaultServer in a thread with its own event loop; a context manager."""

    def __init__(self, default: Script | None = None, *, by_model: Mapping[str, Script] | None = None) -> None:
        self._scripts = default, by_model
        self._started: Future[tuple[FaultServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fault-server")

    @property
    def server(self) -> FaultServer:
        """The server: set its scripts and read its records directly; run its coroutines with `call`."""
        return self._started.result(timeout=5)[0]

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return self.server.base_url

    def call(self, coroutine: Coroutine[None, None, T], *, within: float = 5.0) -> T:
        """Run a coroutine of the server in its loop, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._started.result()[1]).result(within)

    def __enter__(self) -> Self:
        self._serving = self._thread.submit(asyncio.run, self._serve())
        self._started.result(timeout=5)
        return self

    def __exit__(self, *_: object) -> None:
        _server, loop, stop = self._started.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.shutdown()
        self._serving.result()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        default, by_model = self._scripts
        async with FaultServer(default, by_model=by_model) as server:
            self._started.set_result((server, asyncio.get_running_loop(), stop))
            await stop.wait()


class FaultServerProcess:
    """A FaultServer in a process of its own, which ends with this one; a context manager."""

    def __init__(
        self,
        default: Script | None = None,
        *,
        by_model: Mapping[str, Script] | None = None,
        mix: Sequence[Script] = (),
        remembered: int | None = None,
    ) -> None:
        self._options = [
            *(["--script", msgspec.json.encode(default).decode()] if default else []),
            *(["--by-model", msgspec.json.encode(by_model).decode()] if by_model else []),
            *(["--mix", msgspec.json.encode(mix).decode()] if mix else []),
            *(["--remembered", str(remembered)] if remembered is not None else []),
        ]
        self.base_url = ""

    @property
    def pid(self) -> int:
        """The process ID, inside `with`."""
        return self._process.pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.fault_server", "--json", *self._options]
        self._process = subprocess.Popen(command, cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self._process.communicate()
            raise RuntimeError(f"the fault server ended with status {self._process.returncode} before it listened")
        self.base_url = msgspec.json.decode(line, type=Address).base_url
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=5)  # closes its standard input, and so ends it
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
