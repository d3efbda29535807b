"""Git as a subprocess: `git apply --check`, a diff of two versions, a search for a line.

Every run is without a shell, the configuration of the user and the system, hooks and monitors, and has a time limit.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TIME_LIMIT = 20.0  # seconds for one call

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=true",
    "apply.whitespace=nowarn",
    "apply.ignoreWhitespace=no",
)
_ENVIRONMENT = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitError(Exception):
    """Git is missing, timed out, or found no repository. Says nothing about the patch."""


class GitResult(msgspec.Struct, frozen=True):
    """A finished git process."""

    status: int
    stdout: bytes
    stderr: str


class Cancellation:
    """Ends the git processes of another thread; see `cancellable`."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def cancel(self) -> None:
        """Kill the process that runs, and those that are started later."""
        with self._lock:
            self.cancelled = True
            if self._process is not None:
                self._process.kill()  # does nothing to one that has ended

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = process
            if self.cancelled:
                process.kill()


_cancellation: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextmanager
def cancellable(cancellation: Cancellation) -> Iterator[None]:
    """Run git for this thread so that `cancellation` ends it, with a `GitError`."""
    token = _cancellation.set(cancellation)
    try:
        yield
    finally:
        _cancellation.reset(token)


class Git:
    """Read-only git in one checkout."""

    def __init__(self, checkout: Path) -> None:
        self._root = checkout.resolve()
        if not self._root.is_dir():
            raise GitError(f"no checkout at {checkout}")

    def apply_check(self, patch: bytes) -> str | None:
        """None when `git apply --check` accepts `patch`, else git's message. No fuzz, no whitespace leniency."""
        result = run_git(self._root, ["apply", "--check", "-"], stdin=patch)
        message = result.stderr
        if result.status and (not message or any(line.startswith("fatal:") for line in message.split("\n"))):
            raise GitError(message or f"git apply ended with status {result.status}")
        return message if result.status else None

    def tracked_files(self) -> list[str]:
        """Paths of the regular files in the index, sorted."""
        result = run_git(self._root, ["ls-files", "--stage", "-z"])
        if result.status:
            raise GitError(result.stderr)
        entries = result.stdout.decode("utf-8", "surrogateescape").split("\0")
        return sorted(entry.partition("\t")[2] for entry in entries if entry.startswith("100"))

    def files_with(self, line: str) -> list[str]:
        """Paths of the tracked text files that contain `line`."""
        result = run_git(self._root, ["grep", "-I", "-l", "-z", "-F", "-f", "-"], stdin=line.encode() + b"\n")
        if result.status > 1:
            raise GitError(result.stderr)
        return [name for name in result.stdout.decode("utf-8", "surrogateescape").split("\0") if name]


def diff_texts(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    """One git diff over all (old, new) pairs; the files in it are named 0, 1, 2 ... Equal pairs do not appear."""
    with tempfile.TemporaryDirectory(prefix="swebench-tui-") as name:
        folder = Path(name)
        for side, versions in zip("ab", zip(*pairs, strict=True), strict=False):
            (folder / side).mkdir()
            for number, content in enumerate(versions):
                (folder / side / str(number)).write_bytes(content)
        options = [
            "--no-index",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--text",
            "--src-prefix=",
            "--dst-prefix=",
        ]
        result = run_git(folder, ["diff", *options, "a", "b"])
    if result.status > 1:
        raise GitError(result.stderr)
    return result.stdout.decode("utf-8", "surrogateescape")


def run_git(
    folder: Path, arguments: Sequence[str], *, stdin: bytes = b"", variables: Mapping[str, str] | None = None
) -> GitResult:
    """Run git in `folder`, with `variables` added to its environment. A repository further up is not found.

    Raises `GitError` where git cannot be started, does not finish within `TIME_LIMIT`, or is cancelled.
    """
    settings = [part for setting in (*_SETTINGS, f"safe.directory={folder}") for part in ("-c", setting)]
    environment = {
        **_ENVIRONMENT,
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        **(variables or {}),
    }
    try:
        process = subprocess.Popen(
            ["git", *settings, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise GitError("git was not found") from error
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error
    cancellation = _cancellation.get()
    with process:
        if cancellation is not None:
            cancellation.watch(process)
        try:
            stdout, stderr = process.communicate(stdin, TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {arguments[0]} did not finish within {TIME_LIMIT:g} s") from error
        finally:
            process.kill()
    if cancellation is not None and cancellation.cancelled:
        raise GitError("cancelled")
    return GitResult(process.returncode, stdout, stderr.decode("utf-8", "replace").strip())
