"""The files of a repository at one commit, read without changing anything.

A `Snapshot` is data that a prompt can hold; `open` gives the `Tree` to read from. There are two: a folder with a
checkout, and a commit of a repository that may be bare.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from swebench_tui.bench.git import GitError, run_git
from swebench_tui.bench.git.apply import apply_check
from swebench_tui.bench.git.sealed import SealedFolder, git_directory, object_folder, sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EntryKind = Literal["file", "executable", "symlink", "folder", "other"]
"""What a path of a tree is. "other": a submodule, a device or anything else that no patch may touch."""


MAX_FILE_SIZE = 5_000_000  # bytes; larger files are no source code
_BINARY_CHECKED = 8000  # bytes at the start of a file


class Tree(Protocol):
    """The files of one commit. Paths are relative POSIX paths, already checked for safety. Blocks; for one thread.

    Every method raises `GitError` where git fails, and `OSError` where a file cannot be read.
    """

    def kind(self, path: str) -> EntryKind | None:
        """What `path` is, without following a symbolic link; None where nothing has this path."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content of a regular file of at most `MAX_FILE_SIZE` bytes; None for anything else."""
        ...

    def blob_id(self, path: str) -> str | None:
        """Git's id of a regular file's content at the commit; None for anything else."""
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


def has_line(content: bytes, wanted: bytes) -> bool:
    """Whether a text file with this content has `wanted` inside a line. What is no text is told as git tells it."""
    return wanted in content and b"\0" not in content[:_BINARY_CHECKED]


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
        folder = self.folder.resolve()
        if not folder.is_dir():
            raise GitError(f"no checkout at {self.folder}")
        with sealed(work_tree=folder) as own:
            yield _FolderTree(folder, own)


class _FolderTree:
    """The files of a checkout as they are on disk. Of its git directory nothing but the index is read."""

    def __init__(self, folder: Path, own: SealedFolder) -> None:
        self._root = folder
        self._sealed = own

    def kind(self, path: str) -> EntryKind | None:
        file = self._root / path
        if file.is_symlink():
            return "symlink"
        if file.is_dir():
            return "other" if path in self._submodules else "folder"
        if file.is_file():
            return "executable" if file.stat().st_mode & 0o100 else "file"
        return "other" if file.exists() else None

    def read(self, path: str) -> bytes | None:
        file = self._root / path
        if self.kind(path) not in {"file", "executable"} or file.resolve() != file:  # not through a symbolic link
            return None
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_SIZE + 1)
        return content if len(content) <= MAX_FILE_SIZE else None

    def blob_id(self, path: str) -> str | None:
        return self._index.get(path, ("", None))[1] if self.kind(path) in {"file", "executable"} else None

    def files(self) -> Sequence[str]:
        git_directory(self._root)
        return sorted(path for path, (mode, _) in self._index.items() if mode.startswith("100"))

    def files_with(self, line: str) -> Sequence[str]:
        wanted = line.encode("utf-8", "surrogateescape")
        return [path for path in self.files() if has_line(self.read(path) or b"", wanted)]

    def apply_check(self, patch: bytes) -> str | None:
        if not self._index_file.is_file():
            return apply_check(self._sealed, patch, folder=self._root)
        # On the index: in a work tree git takes a folder for a submodule, and accepts any change of it.
        return apply_check(self._sealed, patch, variables=self._index_variables, cached=True)

    @cached_property
    def _index_file(self) -> Path:
        try:
            return git_directory(self._root) / "index"
        except GitError:  # of a folder without one, paths can still be checked and patches applied
            return self._root / ".git" / "index"

    @cached_property
    def _index_variables(self) -> dict[str, str]:
        objects = {"GIT_OBJECT_DIRECTORY": str(object_folder(self._root))}
        return {**self._sealed.variables, **objects, "GIT_INDEX_FILE": str(self._index_file)}

    @cached_property
    def _index(self) -> dict[str, tuple[str, str]]:
        """Mode and blob id by path."""
        if not self._index_file.is_file():
            return {}
        result = run_git(self._root, ["ls-files", "--stage", "-z", "--full-name"], variables=self._index_variables)
        if result.status:
            raise GitError(result.stderr)
        lines = result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        entries = ((facts.split(" "), path) for facts, _, path in (line.partition("\t") for line in lines))
        return {path: (mode, blob_id) for (mode, blob_id, _), path in entries}

    @cached_property
    def _submodules(self) -> set[str]:
        return {path for path, (mode, _) in self._index.items() if mode == "160000"}
