"""Names of repositories and commits. They come from datasets, so every one is hostile until it is checked."""

from __future__ import annotations

import re
from typing import Final

from swebench_tui.bench.repositories.errors import RepositoryError

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
_REPO: Final = re.compile(rf"{_PART}/{_PART}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHOWN: Final = 100  # characters of a name that is refused


def check_repo(repo: str) -> str:
    """The name itself, if it is `owner/name`. Raises `RepositoryError`.

    No option, no path that leads elsewhere, and no two names with the same folder: an owner has no two underscores
    side by side, which separate owner and name in `folder_name`.
    """
    owner = repo.partition("/")[0]
    parts_end_well = not any(part.endswith((".", ".git", ".lock")) for part in repo.split("/"))
    if _REPO.fullmatch(repo) and parts_end_well and "__" not in f"{owner}_":
        return repo
    raise RepositoryError(f"{repo[:_SHOWN]!r} is not the name of a repository", hint="Write it as owner/name.")


def check_commit(commit: str) -> str:
    """The commit itself, if it is a full id. Raises `RepositoryError`."""
    if _COMMIT.fullmatch(commit):
        return commit
    raise RepositoryError(f"{commit[:_SHOWN]!r} is not a commit", hint="A commit has 40 digits from 0-9 and a-f.")


def folder_name(repo: str) -> str:
    """`owner__name`, for a checked name."""
    return repo.replace("/", "__")


def repo_of_folder(name: str) -> str | None:
    """The repository whose folder has this name, None for any other folder."""
    owner, separator, rest = name.partition("__")
    try:
        return check_repo(f"{owner}/{rest}") if separator else None
    except RepositoryError:
        return None
