"""Objects of a repository: the entries of a commit's tree, and the content of blobs from one process."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git import runner
from swebench_tui.bench.git.errors import GitError
from swebench_tui.bench.git.process import time_bound
from swebench_tui.bench.git.runner import run_git, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swebench_tui.bench.git.sealed import SealedFolder

_LONGEST_HEADER = 200  # bytes


class TreeEntry(msgspec.Struct, frozen=True):
    """A path of a tree that is no folder. `size` is None for a submodule, and for a blob that was not fetched."""

    mode: str
    blob_id: str
    size: int | None


def list_tree(sealed: SealedFolder, commit: str) -> dict[str, TreeEntry]:
    """The entries of a commit by path, which may hold surrogate escapes. Raises `GitError` where it is not there."""
    result = run_git(
        sealed.folder,
        ["ls-tree", "-r", "-z", "--long", "--full-tree", f"{commit}^{{tree}}"],
        variables=sealed.variables,
    )
    if result.status:
        raise GitError(result.stderr)
    entries: dict[str, TreeEntry] = {}
    for line in result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        mode, _, blob_id, size = facts.split()
        entries[path] = TreeEntry(mode, blob_id, int(size) if size.isdigit() else None)
    return entries


class BlobReader:
    """Reads blobs through one `git cat-file --batch`. For one thread."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def read(self, blob_id: str) -> bytes | None:
        """The content of a blob; None where the repository has no such blob. Raises `GitError` where git fails."""
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        with time_bound(self._process, runner.TIME_LIMIT) as watchdog:
            try:
                self._process.stdin.write(f"{blob_id}\n".encode())
                self._process.stdin.flush()
                header = self._process.stdout.readline(_LONGEST_HEADER).split()
                if header[1:] == [b"missing"]:
                    return None
                size = int(header[2])
                content = self._process.stdout.read(size + 1)
            except (OSError, IndexError, ValueError) as error:
                what = f"did not finish within {runner.TIME_LIMIT:g} s" if watchdog.expired else "ended too early"
                raise GitError(f"git cat-file {what}") from error
        if len(content) != size + 1:
            raise GitError("git cat-file ended too early")
        return content[:-1]


@contextmanager
def blob_reader(sealed: SealedFolder) -> Iterator[BlobReader]:
    """A reader whose process ends with the block."""
    with started(
        sealed.folder, ["cat-file", "--batch"], variables=sealed.variables, stderr=subprocess.DEVNULL
    ) as process:
        yield BlobReader(process)
