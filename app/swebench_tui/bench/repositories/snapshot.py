"""The files of a repository at one commit, read without changing anything.

A `Snapshot` is data that a prompt can hold; `open` gives the `Tree` to read from. There are two: a folder with a
checkout, and a commit of a repository that may be bare.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from swebench_tui.bench.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EntryKind = Literal["file", "executable", "symlink", "folder", "other"]
"""What a path of a tree is. "other": a submodule, a device or anything else that no patch may touch."""


class Tree(Protocol):
    """The files of one commit. Paths are relative POSIX paths, already checked for safety. Blocks; for one thread.

    Every method raises `GitError` where git fails, and `OSError` where a file cannot be read.
    """

    def kind(self, path: str) -> EntryKind | None:
        """What `path` is, without following a symbolic link; None where nothing has this path."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content of a regular file; None for anything else."""
        ...

    def files(self) -> Sequence[str]:
        """The paths of all regular files, sorted."""
        ...

    def files_with(self, line: str) -> Sequence[str]:
        """The paths of the text files that contain `line`."""
        ...

    def apply_check(self, patch: bytes) -> str | None:
        """None when `git apply --check` accepts `patch`, else git's message."""
        ...


class Snapshot(Protocol):
    """Where the files of one commit are."""

    def open(self) -> AbstractContextManager[Tree]:
        """The files, for one thread. Raises `GitError` where they are not there any more."""
        ...


class FolderSnapshot(msgspec.Struct, frozen=True):
    """A clean git checkout at the base commit."""

    folder: Path

    @contextmanager
    def open(self) -> Iterator[Tree]:
        yield _FolderTree(self.folder)


class _FolderTree:
    """The files of a checkout as they are on disk."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._git = Git(folder)

    def kind(self, path: str) -> EntryKind | None:
        file = self._root / path
        if file.is_symlink():
            return "symlink"
        if file.is_dir():
            return "folder"
        if file.is_file():
            return "executable" if file.stat().st_mode & 0o100 else "file"
        return "other" if file.exists() else None

    def read(self, path: str) -> bytes | None:
        return (self._root / path).read_bytes() if self.kind(path) in {"file", "executable"} else None

    def files(self) -> Sequence[str]:
        return self._git.tracked_files()

    def files_with(self, line: str) -> Sequence[str]:
        return self._git.files_with(line)

    def apply_check(self, patch: bytes) -> str | None:
        return self._git.apply_check(patch)
