"""One clone of the cache: a bare repository with the commits that were fetched, and nothing of their history.

A clone is valid at any moment, whatever was killed: `missing_files` tells what it lacks of a commit.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec
from filelock import FileLock, Timeout

from swebench_tui.bench.git import run_git
from swebench_tui.bench.git.objects import list_tree
from swebench_tui.bench.git.process import check_cancelled
from swebench_tui.bench.git.sealed import object_folder, sealed
from swebench_tui.bench.repositories.names import folder_name
from swebench_tui.bench.repositories.progress import FetchProgress, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

REFS: Final = "refs/bases"
"""The place of one reference for each commit: git keeps it, and tells the server that it is here."""

_LOCK_WAIT: Final = 0.2  # seconds between two looks at a cancellation
_NO_TEXT: Final = re.compile(
    r"\.(?:7z|a|avi|bin|bmp|bz2|class|dll|docx?|dylib|eot|exe|fits|gif|gz|h5|hdf5|icns|ico|jar|jpe?g|mo|mov|mp3|mp4|nc|np[yz]|o"
    r"|odt|ogg|otf|parquet|pdf|pickle|pkl|png|pptx?|psd|pyc|so|sqlite|tar|tgz|tiff?|ttf|wav|webm|webp|whl|woff2?|xlsx?|xz|zip)",
    re.IGNORECASE,
)
"""Ends of names of files whose content is not fetched: no model reads them, and they are most of some repositories."""


class Clone(msgspec.Struct, frozen=True):
    """The clone of `repo` in the cache folder `cache`, which may not exist."""

    cache: Path
    repo: str

    @property
    def folder(self) -> Path:
        return self.cache.absolute() / f"{folder_name(self.repo)}.git"

    def exists(self) -> bool:
        return (self.folder / "objects").is_dir()

    def commits(self) -> list[str]:
        """The commits that were fetched."""
        refs = {path.name for path in (self.folder / REFS).glob("*")}
        packed = self.folder / "packed-refs"  # by a user's own `git gc`
        if packed.is_file():
            refs.update(
                line.rpartition("/")[2] for line in packed.read_text("utf-8", "replace").splitlines() if REFS in line
            )
        return sorted(ref for ref in refs if re.fullmatch(r"[0-9a-f]{40}", ref))

    def has(self, commit: str) -> bool:
        """Whether a commit is here with all files that may be text."""
        return self.exists() and missing_files(self.folder, commit) == []

    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @contextmanager
    def locked(self, report: Report = lambda _: None) -> Iterator[None]:
        """Be the only one that changes this clone. Waits for other processes; raises `GitError` when cancelled."""
        self.cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.cache / f"{folder_name(self.repo)}.lock")
        waited = False
        while True:
            check_cancelled()
            try:
                lock.acquire(timeout=_LOCK_WAIT)
                break
            except Timeout:
                if not waited:
                    report(FetchProgress(self.repo, "waiting"))
                waited = True
        try:
            yield
        finally:
            lock.release()


def has_commit(repository: Path, commit: str) -> bool:
    """Whether a commit with its folders is in a repository. Raises `GitError` where there is no repository."""
    with sealed(object_folder(repository)) as own:
        result = run_git(own.folder, ["cat-file", "-e", f"{commit}^{{tree}}"], variables=own.variables)
    return result.status == 0


def missing_files(repository: Path, commit: str) -> list[str] | None:
    """Ids of the blobs that `commit` needs and the repository lacks, without duplicates; None: it lacks the commit.

    Raises `GitError` where git cannot be run, or the folder is no repository.
    """
    if not has_commit(repository, commit):
        return None
    with sealed(object_folder(repository)) as own:
        entries = list_tree(own, commit)
    missing = {
        entry.blob_id for path, entry in entries.items() if entry.size is None and _may_be_text(path, entry.mode)
    }
    return sorted(missing)


def _may_be_text(path: str, mode: str) -> bool:
    return mode.startswith("100") and not _NO_TEXT.fullmatch(PurePosixPath(path).suffix)
