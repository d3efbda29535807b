"""A folder with clones that the user keeps. They are read, and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swebench_tui.bench.git import GitError
from swebench_tui.bench.repositories.clone import has_commit, missing_files
from swebench_tui.bench.repositories.names import folder_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_MISSING: Final = 50
"""Files that a usable clone may lack: many leave out very large ones, and one without any content is useless."""


def find_in_mirror(mirror: Path, repo: str, commit: str) -> Path | None:
    """The clone of `repo` with `commit` in the folder `mirror`; None if there is none. `repo` is a checked name."""
    for folder in _candidates(mirror, repo):
        try:
            if has_commit(folder, commit) and len(missing_files(folder, commit) or ()) <= _MOST_MISSING:
                return folder
        except (GitError, OSError):  # no repository; another candidate may be one
            continue
    return None


def _candidates(mirror: Path, repo: str) -> Iterator[Path]:
    """The folders that may be the clone, bare or with a checkout: owner/name, owner__name, name."""
    for name in (repo, folder_name(repo), repo.partition("/")[2]):
        for end in ("", ".git"):
            folder = mirror / f"{name}{end}"
            if folder.is_dir():
                yield folder
