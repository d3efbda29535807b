"""Real git repositories for tests, made without any of the user's git configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{what}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    done = subprocess.run(command, cwd=folder, input=stdin, env=ENVIRONMENT, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def make_checkout(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A repository in `folder`, on branch main and without a commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "--template=", "--initial-branch=main")
    write(folder, files)
    return folder


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def commit(folder: Path, files: Mapping[str, str | bytes] | None = None) -> str:
    """Commit all files, after writing these; returns the id."""
    write(folder, files or {})
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "--message=change")
    return git(folder, "rev-parse", "HEAD")


def bare_clone(folder: Path, into: Path) -> Path:
    git(folder, "clone", "-q", "--bare", "--template=", str(folder), str(into))
    return into
