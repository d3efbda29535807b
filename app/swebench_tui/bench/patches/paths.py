"""Resolve a path that a model wrote to a file of the repository. Every path is hostile until checked."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from swebench_tui.bench.patches.verdict import Failure, PatchError, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.repositories.snapshot import Tree

_SANDBOX = "testbed"  # where the official images keep the repository
_LONGEST_PATH, _LONGEST_NAME = 900, 255


class Locator:
    """Resolves paths in one tree; without a tree only their form is checked."""

    def __init__(self, tree: Tree | None) -> None:
        self._tree = tree
        self._paths: Sequence[str] | None = None

    def from_diff(self, written: str) -> tuple[str, list[Repair]]:
        """Relative path for a name in a diff, with or without a/ or b/, and the repairs. Raises `PatchError`."""
        if not written.startswith(("a/", "b/")):
            path, repairs = self.from_text(written)
            return path, [*repairs, Repair.PREFIXES]
        path, repairs = self.from_text(written[2:])
        if self._tree is not None and not self._is_file(path) and _is_safe(written) and self._is_file(written):
            return self._checked(written), [Repair.PREFIXES]
        return path, repairs

    def from_text(self, written: str) -> tuple[str, list[Repair]]:
        """Relative path for a name outside of a diff, such as above a block, and the repairs. Raises `PatchError`."""
        path = written
        while path.startswith("./"):
            path = path[2:]
        if path.startswith("/") or (path.startswith(_SANDBOX + "/") and not self._is_file(path)):
            path = self._inside(path)
        return self._checked(path), [Repair.PATH] if path != written else []

    def whole_file(self, written: str) -> tuple[str, list[Repair]]:
        """Like `from_text`, for a whole file. Where nothing is at the path, one behind the repository's name may be."""
        path, repairs = self.from_text(written)
        inside = self._inside(path)
        if self._tree is None or self._tree.kind(path) is not None or inside == path or "/" not in inside:
            return path, repairs
        return self._checked(inside), [Repair.PATH]

    def existing(self, path: str, repairs: list[Repair]) -> tuple[str, list[Repair]]:
        """The file of the tree that a relative path without a file means, and the repairs with `PATH` added.

        That is the longest end of the path that is a file, as with the repository's name in front of it; else the only
        file whose path ends in it, as with a missing `src/`. Without one, the path is returned as it is.
        """
        if self._tree is None or self._tree.kind(path) is not None:
            return path, repairs
        inside = self._inside(path)
        if inside == path:
            ends = [file for file in self._files() if file.endswith("/" + path)]
            if len(ends) != 1:
                return path, repairs
            inside = ends[0]
        return self._checked(inside), list(dict.fromkeys([*repairs, Repair.PATH]))

    def _files(self) -> Sequence[str]:
        if self._paths is None:
            self._paths = self._tree.files() if self._tree is not None else ()
        return self._paths

    def _inside(self, path: str) -> str:
        """The longest suffix of `path` that is a file of the tree; `path` itself when there is none."""
        parts = path.split("/")
        ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
        return next((end for end in ends if len(parts) < 50 and self._is_file(end)), path)

    def _is_file(self, path: str) -> bool:
        return self._tree is not None and _is_safe(path) and self._tree.kind(path) in {"file", "executable"}

    def _checked(self, path: str) -> str:
        if not _is_safe(path):
            raise PatchError(Failure.UNSAFE_PATH, f"{path[:200]!r} is not a path inside the repository")
        if self._tree is not None:
            chain = [PurePosixPath(path), *PurePosixPath(path).parents]
            if any(self._tree.kind(str(part)) == "symlink" for part in chain if part.parts):
                raise PatchError(Failure.UNSAFE_PATH, f"{path!r} goes through a symbolic link")
        return path


def _is_safe(path: str) -> bool:
    """Whether `path` is relative, printable, and stays below its root and out of `.git`."""
    parts = path.split("/")
    return len(path) <= _LONGEST_PATH and path.isprintable() and "\\" not in path and all(map(_is_safe_name, parts))


def _is_safe_name(name: str) -> bool:
    # Some file systems ignore case and trailing dots or blanks, and accept the short name `git~1` for `.git`.
    folded = name.casefold().rstrip(". ")
    return bool(folded) and folded not in {".git", "git~1"} and len(name.encode()) <= _LONGEST_NAME
