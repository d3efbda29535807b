"""The one place that starts git.

Every process runs without a shell, a terminal, the user's configuration and `GIT_*` variables, hooks, monitors, pagers,
credential prompts and, unless it is a fetch, without any transport. Its output and its time are bounded.
What a repository's own configuration could start is shut off where the repository is read: see `sealed.py`.
"""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING

import msgspec

from swebench_tui.bench.git.errors import GitCancelledError, GitError
from swebench_tui.bench.git.process import check_cancelled, current_cancellation, kill, time_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TIME_LIMIT = 20.0  # seconds for one call
OUTPUT_LIMIT = 256 * 1024 * 1024  # bytes of standard output of one call
_MESSAGE_LIMIT = 64 * 1024  # bytes of standard error that are kept

_SETTINGS = (
    "core.askPass=",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=true",
    "core.untrackedCache=false",
    "credential.helper=",
    "apply.whitespace=nowarn",
    "apply.ignoreWhitespace=no",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_ENVIRONMENT = {
    "GIT_ASKPASS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # A user's ignore and attributes files have default places that GIT_CONFIG_GLOBAL does not switch off.
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
    "LC_ALL": "C",
}


class GitResult(msgspec.Struct, frozen=True):
    """A finished git process."""

    status: int
    stdout: bytes
    stderr: str


_time_left: ContextVar[Callable[[], float] | None] = ContextVar("time_left", default=None)


@contextmanager
def git_time_limit(left: Callable[[], float]) -> Iterator[None]:
    """Run git for this thread for no longer than `left()` seconds a call, if that is less than its own limit."""
    token = _time_left.set(left)
    try:
        yield
    finally:
        _time_left.reset(token)


@contextmanager
def started(
    folder: Path,
    arguments: Sequence[str],
    *,
    settings: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    stderr: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """A running git in `folder` with pipes, killed at the end of the block. A repository further up is not found.

    Raises `GitError` where git cannot be started or the thread's cancellation has been cancelled.
    """
    folder = folder.resolve()
    options = [part for setting in (*_SETTINGS, *settings, f"safe.directory={folder}") for part in ("-c", setting)]
    environment = {
        **_ENVIRONMENT,
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        **(variables or {}),
    }
    check_cancelled()
    try:
        process = subprocess.Popen(
            ["git", *options, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # no terminal to ask on, and its children can be killed with it
        )
    except FileNotFoundError as error:
        raise GitError("git was not found" if folder.is_dir() else f"no folder {folder}") from error
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error
    assert process.stdin is not None  # noqa: S101 - a pipe
    cancellation = current_cancellation()
    cancellation.watch(process)
    try:
        with process:
            try:
                yield process
            finally:
                kill(process)
                with suppress(OSError):  # what was not written to one that has ended
                    process.stdin.close()
    except GitError:
        if not cancellation.cancelled:
            raise
    finally:
        cancellation.unwatch(process)
    if cancellation.cancelled:
        raise GitCancelledError


def run_git(
    folder: Path,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    settings: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    idle_limit: float | None = None,
    output_limit: int | None = None,
    progress: Callable[[bytes], None] = lambda _: None,
) -> GitResult:
    """Run git in `folder`, with `settings` and `variables` added to its configuration and environment.

    `progress` is called in this thread with what git writes to standard error, and may raise to end the process.
    Raises `GitError` where git cannot be started, does not finish within `TIME_LIMIT` or, if given, is silent on
    standard error for `idle_limit` seconds, prints more than `output_limit` bytes (None: `OUTPUT_LIMIT`), or is
    cancelled.
    """
    limit = TIME_LIMIT if idle_limit is None else idle_limit
    if (left := _time_left.get()) is not None:
        limit = min(limit, max(left(), 0.001))
    with started(folder, arguments, settings=settings, variables=variables) as process:
        assert process.stdin is not None  # noqa: S101 - all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        with time_bound(process, limit) as watchdog:
            output = _Output(process.stdout, OUTPUT_LIMIT if output_limit is None else output_limit, process)
            threads = [
                threading.Thread(target=output.read),
                threading.Thread(target=_write, args=(process.stdin, stdin)),
            ]
            for thread in threads:
                thread.start()
            try:
                message = b""  # its end: git's last words tell what went wrong
                while chunk := os.read(process.stderr.fileno(), 1 << 16):
                    message = (message + chunk)[-_MESSAGE_LIMIT:]
                    if idle_limit is not None:
                        watchdog.restart()
                    progress(chunk)
            except BaseException:
                kill(process)
                raise
            finally:
                for thread in threads:
                    thread.join()
            process.wait()
    if watchdog.expired and idle_limit is not None:
        raise GitError(f"git {arguments[0]} made no progress for {limit:g} s")
    if watchdog.expired:
        raise GitError(f"git {arguments[0]} did not finish within {limit:g} s")
    if output.exceeded:
        raise GitError(f"git {arguments[0]} printed more than {output.limit:,} bytes")
    return GitResult(process.returncode, output.content, message.decode("utf-8", "replace").strip())


class _Output:
    """Standard output up to a limit, past which the process is killed."""

    def __init__(self, pipe: IO[bytes], limit: int, process: subprocess.Popen[bytes]) -> None:
        self.limit = limit
        self.content = b""
        self.exceeded = False
        self._pipe = pipe
        self._process = process

    def read(self) -> None:
        chunks: list[bytes] = []
        size = 0
        while chunk := os.read(self._pipe.fileno(), 1 << 16):  # to the end, also behind the limit
            size += len(chunk)
            if size <= self.limit:
                chunks.append(chunk)
            elif not self.exceeded:
                self.exceeded = True
                chunks.clear()
                kill(self._process)
        self.content = b"".join(chunks)


def _write(pipe: IO[bytes], content: bytes) -> None:
    with suppress(OSError):  # git ended before it read all; its status tells
        pipe.write(content)
    with suppress(OSError):
        pipe.close()
