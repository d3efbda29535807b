"""The three questions for git: does a patch apply, how do two versions differ, which files hold a line.

Git runs without a shell, without the configuration of the user and the system, without hooks and monitors, and within a
time limit.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """Git could not do its work: not there, too slow, or no repository. Says nothing about the patch."""


class Git:
    """Git in one checkout. Changes nothing in it."""

    def __init__(self, checkout: Path) -> None:
        self._root = checkout.resolve()
        if not self._root.is_dir():
            raise GitError(f"there is no checkout at {checkout}")

    def apply_check(self, patch: bytes) -> str | None:
        """None when `git apply --check` takes `patch`, else what it says. No fuzz, no whitespace leniency."""
        status, _, said = _run(self._root, ["apply", "--check", "-"], patch)
        if status and (not said or any(line.startswith("fatal:") for line in said.split("\n"))):
            raise GitError(said or f"git apply ended with status {status}")
        return said if status else None

    def files_with(self, line: str) -> list[str]:
        """Paths of the tracked text files that hold `line` somewhere."""
        status, out, said = _run(self._root, ["grep", "-I", "-l", "-z", "-F", "-f", "-"], line.encode() + b"\n")
        if status > 1:
            raise GitError(said)
        return [name for name in out.decode("utf-8", "surrogateescape").split("\0") if name]


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
        status, out, said = _run(folder, ["diff", *options, "a", "b"], b"")
    if status > 1:
        raise GitError(said)
    return out.decode("utf-8", "surrogateescape")


def _run(folder: Path, arguments: list[str], stdin: bytes) -> tuple[int, bytes, str]:
    """Exit status, stdout and stderr of git in `folder`. A repository further up is not seen."""
    settings = [part for setting in (*_SETTINGS, f"safe.directory={folder}") for part in ("-c", setting)]
    environment = {
        **_ENVIRONMENT,
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }
    try:
        ended = subprocess.run(
            ["git", *settings, *arguments],
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} did not finish within {TIME_LIMIT:g} s") from error
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error
    return ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace").strip()
