"""The clones in the cache folder: what there is, and removing what is not in use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from filelock import FileLock, Timeout

from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.in_use import USE_FILE, alone
from swebench_tui.bench.repositories.names import folder_name, repo_of_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMOVING: Final = ".removing-"


class ClonedRepository(msgspec.Struct, frozen=True):
    """A clone. `size` in bytes; `commits` is how many were fetched; `last_used` is seconds since 1970."""

    repo: str
    size: int
    commits: int
    last_used: float
    path: Path


class Pruned(msgspec.Struct, frozen=True):
    """What was removed, and what was to be removed but is in use."""

    removed: tuple[ClonedRepository, ...]
    in_use: tuple[ClonedRepository, ...]


def list_clones(folder: Path) -> list[ClonedRepository]:
    """The clones by name. Blocks."""
    return sorted(_clones(folder), key=lambda clone: clone.repo)


def prune(folder: Path, repos: Collection[str]) -> Pruned:
    """Remove the clones of these repositories, but not one that is being read or fetched. Blocks."""
    return _remove(folder, [clone for clone in list_clones(folder) if clone.repo in repos])


def shrink(folder: Path, limit: int | None, *, keep: Collection[str] = ()) -> Pruned:
    """Remove clones, those that were not used for longest first, until all together are at most `limit` bytes. Blocks.

    Clones in use and those of `keep` stay, so the limit may not be reached. None: no limit.
    """
    if limit is None:
        return Pruned((), ())
    clones = list_clones(folder)
    total = sum(clone.size for clone in clones)
    removed: list[ClonedRepository] = []
    in_use: list[ClonedRepository] = []
    for clone in _oldest_first(clones):
        if total <= limit:
            break
        if clone.repo in keep:
            continue
        pruned = _remove(folder, [clone])
        total -= sum(gone.size for gone in pruned.removed)
        removed += pruned.removed
        in_use += pruned.in_use
    return Pruned(tuple(removed), tuple(in_use))


def oldest(clones: Sequence[ClonedRepository], limit: int) -> list[ClonedRepository]:
    """Those that `shrink` removes if none is in use."""
    total, chosen = sum(clone.size for clone in clones), list[ClonedRepository]()
    for clone in _oldest_first(clones):
        if total > limit:
            chosen.append(clone)
            total -= clone.size
    return chosen


def _oldest_first(clones: Sequence[ClonedRepository]) -> list[ClonedRepository]:
    return sorted(clones, key=lambda clone: (clone.last_used, clone.repo))


def _clones(folder: Path) -> Iterator[ClonedRepository]:
    for path in folder.glob("*.git"):
        repo = repo_of_folder(path.name.removesuffix(".git"))
        if repo is None or not (path / USE_FILE).is_file():
            continue
        clone = Clone(folder, repo)
        try:
            used = (path / USE_FILE).stat().st_mtime
            yield ClonedRepository(repo, clone.size(), len(clone.commits()), used, path)
        except FileNotFoundError:  # removed meanwhile
            continue


def _remove(folder: Path, clones: Sequence[ClonedRepository]) -> Pruned:
    _clear_left_overs(folder)
    removed: list[ClonedRepository] = []
    in_use: list[ClonedRepository] = []
    for clone in clones:
        try:
            with FileLock(folder / f"{folder_name(clone.repo)}.lock", timeout=0), alone(clone.path) as free:
                (removed if free and _move_away(clone.path) else in_use).append(clone)
        except Timeout:  # it is being fetched
            in_use.append(clone)
        except OSError as error:
            raise RepositoryError(
                f"{clone.repo}: cannot remove {clone.path}: {error.strerror}", hint="Check the folder's permissions."
            ) from error
    _clear_left_overs(folder)
    return Pruned(tuple(removed), tuple(in_use))


def _move_away(path: Path) -> bool:
    """Take a clone from its place at once, so that nobody sees half of one; its files are deleted after that."""
    try:
        path.rename(Path(tempfile.mkdtemp(prefix=_REMOVING, dir=path.parent)) / path.name)
    except FileNotFoundError:  # another process did it
        return True
    except PermissionError:
        return False
    return True


def _clear_left_overs(folder: Path) -> None:
    """Delete what was moved away, also by a process that was killed before it had deleted it."""
    for moved in folder.glob(f"{_REMOVING}*"):
        shutil.rmtree(moved, ignore_errors=True)
