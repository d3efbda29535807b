"""Datasets of the Hugging Face hub, fetched by a process of its own into the cache that all programs share."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from swebench_providers.redaction import mask_keys
from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.errors import DatasetError, FetchCancelledError
from swebench_tui.bench.datasets.hub_messages import Failure, Fetched, FetchRequest, Message, Progress
from swebench_tui.bench.datasets.local import rows_of_file
from swebench_tui.bench.datasets.rows import instances
from swebench_tui.bench.datasets.spec import Spec

ProgressCallback = Callable[[Progress], None]
"""Called in the thread that loads, now and then while bytes arrive."""

_COMMAND: Final = (sys.executable, "-P", "-m", "swebench_tui.bench.datasets.hub_process")
"""`-P`: a module in the working directory must not pass for one of ours."""

_ENVIRONMENT: Final = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # else it asks the hub for a list of programs, for its User-Agent
}

_IDLE_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.1
_MAX_LINE: Final = 1024**2
_RETRY_HINT: Final = "Try again: files that are whole are kept."

_messages = msgspec.json.Decoder(Message)


def load(spec: Spec, *, progress: ProgressCallback | None = None, cancel: threading.Event | None = None) -> Dataset:
    """The instances of a split of the hub's dataset `spec.repo`. Blocks: the first time it downloads the files."""
    fetched = fetch(spec, progress=progress, cancel=cancel)
    files = [Path(file) for file in fetched.files]
    return Dataset(
        name=spec.name,
        split=fetched.split or None,
        revision=fetched.revision,
        instances=instances((file.name, rows_of_file(file, name=file.name)) for file in files),
        notice=fetched.notice,
    )


def fetch(spec: Spec, *, progress: ProgressCallback | None = None, cancel: threading.Event | None = None) -> Fetched:
    """Fetch the files of a split that the cache lacks. Blocks.

    A pinned revision that is in the cache needs no network; any other one is resolved by the hub. Raises
    `DatasetError`, and `FetchCancelledError` soon after `cancel` was set.
    """
    if spec.repo is None:
        raise DatasetError(f"{spec.name} is on this machine: there is nothing to fetch", hint="Use it as it is.")
    if progress is not None:
        progress(Progress(file="", done=0, total=None))  # asking the hub may take seconds
    request = FetchRequest(name=spec.name, repo=spec.repo, revision=spec.revision, split=spec.split)
    with tempfile.TemporaryFile() as log:
        with _process(request, log) as process:
            for message in _received(process, cancel, request):
                match message:
                    case Progress():
                        if progress is not None:
                            progress(message)
                    case Failure():
                        raise DatasetError(mask_keys(message.what), hint=mask_keys(message.hint))
                    case Fetched():
                        return message
        raise DatasetError(f"{spec.repo} could not be fetched: {_last_line(log)}", hint=_RETRY_HINT)


@contextmanager
def _process(request: FetchRequest, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that fetches, ended on every way out."""
    process = subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=os.environ | _ENVIRONMENT,
        start_new_session=True,  # ctrl+c on the terminal must reach this process alone, which ends the other one
    )
    try:
        with suppress(BrokenPipeError):  # it has ended already, and its log says why
            _pipe(process.stdin).write(msgspec.json.encode(request) + b"\n")
            _pipe(process.stdin).flush()
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(BrokenPipeError):
        _pipe(process.stdin).close()  # at which it removes its temporary file and ends
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _pipe(process.stdout).close()


def _received(
    process: subprocess.Popen[bytes], cancel: threading.Event | None, request: FetchRequest
) -> Iterator[Message]:
    """The messages of the process, until it ends. Between them `cancel` is looked at."""
    stdout, buffer, last = _pipe(process.stdout), bytearray(), time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while True:
            if cancel is not None and cancel.is_set():
                raise FetchCancelledError(f"fetching {request.repo} was stopped", hint=_RETRY_HINT)
            if not selector.select(_POLL_SECONDS):
                if time.monotonic() - last > _IDLE_SECONDS:
                    raise DatasetError(f"the hub has sent nothing for {_IDLE_SECONDS:.0f} s", hint=_RETRY_HINT)
                continue
            data, last = os.read(stdout.fileno(), 65536), time.monotonic()
            if not data or len(buffer) > _MAX_LINE:
                return
            *lines, rest = (buffer + data).split(b"\n")
            buffer = bytearray(rest)
            for line in lines:
                with suppress(msgspec.DecodeError):  # the client prints there when its own import fails
                    yield _messages.decode(line)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - every stream of the process is a pipe
    return stream


def _last_line(log: IO[bytes]) -> str:
    """The last line that the process wrote on its standard error: the exception, where one ended it."""
    log.seek(max(log.seek(0, os.SEEK_END) - 2000, 0))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return mask_keys(lines[-1][:300]) if lines else "its process ended without a reason"
