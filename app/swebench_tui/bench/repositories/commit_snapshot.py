"""A commit of a repository that may be bare: files are read from its objects, and nothing is checked out."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git import GitError
from swebench_tui.bench.git.apply import apply_check
from swebench_tui.bench.git.objects import BlobReader, blob_reader, list_tree
from swebench_tui.bench.git.runner import run_git
from swebench_tui.bench.git.sealed import SealedFolder, object_folder, sealed
from swebench_tui.bench.repositories.in_use import reading
from swebench_tui.bench.repositories.snapshot import MAX_FILE_SIZE, EntryKind, Tree, has_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swebench_tui.bench.git.objects import TreeEntry

_KINDS: dict[str, EntryKind] = {"100644": "file", "100664": "file", "100755": "executable", "120000": "symlink"}


class CommitSnapshot(msgspec.Struct, frozen=True):
    """A commit, by its full id. `repository` is bare or has a checkout, whose files are not read."""

    repository: Path
    commit: str

    @contextmanager
    def open(self) -> Iterator[Tree]:
        with ExitStack() as stack:
            stack.enter_context(reading(self.repository))
            try:
                objects = object_folder(self.repository)
            except OSError as error:
                raise GitError(f"cannot read {self.repository}: {error.strerror}") from error
            yield _CommitTree(stack.enter_context(sealed(objects)), self.commit, stack)


class _CommitTree:
    """The files of a commit. Processes that are needed are started once, and end with the stack."""

    def __init__(self, folder: SealedFolder, commit: str, stack: ExitStack) -> None:
        self._sealed = folder
        self._commit = commit
        self._stack = stack
        self._entries = list_tree(folder, commit)
        self._folders = {parent for path in self._entries for parent in _parents(path)} | {"."}
        self._reader: BlobReader | None = None
        self._has_index = False

    def kind(self, path: str) -> EntryKind | None:
        if path in self._folders:
            return "folder"
        entry = self._entries.get(path)
        return None if entry is None else _KINDS.get(entry.mode, "other")

    def read(self, path: str) -> bytes | None:
        entry = self._regular(path)
        if entry is None or (entry.size or 0) > MAX_FILE_SIZE:
            return None
        content = self._blob(entry)
        if content is None:
            raise GitError(f"the content of {path!r} was not fetched")
        return content

    def blob_id(self, path: str) -> str | None:
        entry = self._regular(path)
        return None if entry is None else entry.blob_id

    def files(self) -> Sequence[str]:
        return sorted(path for path in self._entries if self._regular(path) is not None)

    def files_with(self, line: str) -> Sequence[str]:
        wanted = line.encode("utf-8", "surrogateescape")
        return [path for path in self.files() if has_line(self._content(path), wanted)]

    def apply_check(self, patch: bytes) -> str | None:
        if not self._has_index:
            result = run_git(self._sealed.folder, ["read-tree", self._commit], variables=self._sealed.variables)
            if result.status:
                raise GitError(result.stderr)
            self._has_index = True
        return apply_check(self._sealed, patch, cached=True)

    def _regular(self, path: str) -> TreeEntry | None:
        return self._entries.get(path) if self.kind(path) in {"file", "executable"} else None

    def _content(self, path: str) -> bytes:
        """The content of a file that is here and not too large, else nothing."""
        entry = self._entries[path]
        if entry.size is None or entry.size > MAX_FILE_SIZE:
            return b""
        return self._blob(entry) or b""

    def _blob(self, entry: TreeEntry) -> bytes | None:
        if self._reader is None:
            self._reader = self._stack.enter_context(blob_reader(self._sealed))
        return self._reader.read(entry.blob_id)


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
