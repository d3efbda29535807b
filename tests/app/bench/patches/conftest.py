"""Real git repositories for the patch tests, made and read without any of the user's git configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swebench_tui.bench.repositories.snapshot import FolderSnapshot

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repo:
    """One git repository. Reading `files` leaves out `.git`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "--template=")

    @property
    def snapshot(self) -> FolderSnapshot:
        return FolderSnapshot(self.root)

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-c", "core.autocrlf=false", *arguments]
        return subprocess.run(
            command, cwd=self.root, input=stdin, env=_ENVIRONMENT, check=True, capture_output=True
        ).stdout

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def files(self) -> dict[str, bytes]:
        tops = (top for top in self.root.iterdir() if top.name != ".git")
        found = (path for top in tops for path in (top.rglob("*") if top.is_dir() else [top]) if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}

    def after(self, patch: str) -> dict[str, bytes]:
        """The files as `git apply` of `patch` leaves them; the repository is as before afterwards."""
        before = self.files()
        self.git("apply", "-", stdin=patch.encode())
        after = self.files()
        for name in after.keys() - before.keys():
            (self.root / name).unlink()
        self.write({name: content for name, content in before.items() if after.get(name) != content})
        return after


MakeRepo = Callable[[Mapping[str, str | bytes]], Repo]


@pytest.fixture(scope="session")
def make_repo(tmp_path_factory: pytest.TempPathFactory) -> MakeRepo:
    """Makes a repository that tracks the given files."""

    def make(files: Mapping[str, str | bytes]) -> Repo:
        repo = Repo(tmp_path_factory.mktemp("repo"))
        repo.write(files)
        repo.git("add", "-A")
        return repo

    return make
