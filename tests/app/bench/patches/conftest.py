"""Real git repositories for the patch tests, made and read without any of the user's git configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import pytest

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Repo:
    """One git repository. Reading `files` leaves out `.git`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "--template=")

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-c", "core.autocrlf=false", *arguments]
        return subprocess.run(command, cwd=self.root, input=stdin, env=_ENVIRONMENT, check=True, capture_output=True).stdout

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes]) -> None:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "base")

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.root.rglob("*") if path.is_file() and ".git" not in path.relative_to(self.root).parts)
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}

    def after(self, patch: str) -> dict[str, bytes]:
        """The files as `git apply` of `patch` leaves them; the repository is as before afterwards."""
        self.git("apply", "-", stdin=patch.encode())
        files = self.files()
        self.git("reset", "-q", "--hard")
        self.git("clean", "-fdq")
        return files


MakeRepo = Callable[[Mapping[str, str | bytes]], Repo]


@pytest.fixture
def make_repo(tmp_path: Path) -> MakeRepo:
    """Makes a repository with one commit of the given files."""
    numbers = count()

    def make(files: Mapping[str, str | bytes]) -> Repo:
        root = tmp_path / f"repo{next(numbers)}"
        root.mkdir()
        repo = Repo(root)
        repo.commit(files)
        return repo

    return make
