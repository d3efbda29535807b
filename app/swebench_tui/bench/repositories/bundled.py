"""Git checkouts of the bundled repositories: created without network, with the same commit id on every machine.

A commit id is a hash over files, modes, author, dates and message. All of them are fixed here, and git reads no
configuration but the checkout's own, so the id can be compared with the task's `base_commit`. A checkout is handed out
only while its files are those of the commit.
"""

from __future__ import annotations

import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from swebench_tui.bench.datasets import starter
from swebench_tui.bench.git import GitError, run_git
from swebench_tui.bench.git.sealed import object_folder, sealed
from swebench_tui.bench.repositories.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

_DATE = "2024-01-01T00:00:00 +0000"
_IDENTITY = {"NAME": "swebench-tui starter set", "EMAIL": "starter@swebench-tui.invalid", "DATE": _DATE}
_EXCLUDED = "__pycache__/\n"
_REPRODUCIBLE = {
    **{f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in _IDENTITY.items()},
    "GIT_DEFAULT_HASH": "sha1",
}


class CheckoutError(RepositoryError):
    """A checkout that cannot be created or trusted."""


def bundled(repo: str) -> bool:
    """Whether the program contains the files of this repository."""
    return repo in _base_commits()


def base_commit(repo: str) -> str:
    """The one commit of a bundled repository, 40 hex digits; raises `CheckoutError` for any other repository."""
    try:
        return _base_commits()[repo]
    except KeyError:
        hint = f"Bundled repositories: {', '.join(sorted(_base_commits()))}."
        raise CheckoutError(f"the repository {repo!r} is not bundled", hint=hint) from None


def checkout(repo: str, into: Path) -> Path:
    """The checkout of a bundled repository at its base commit: a folder inside `into`, created if missing. Blocks.

    Processes may race: each creates its own beside the target, and the first rename wins. Raises `CheckoutError` when
    git is missing or fails, when nothing can be written, and when the files are not those of the base commit.
    """
    commit = base_commit(repo)
    target = into.absolute() / f"{repo.replace('/', '__')}-{commit[:12]}"
    try:
        if not target.exists():
            into.mkdir(parents=True, exist_ok=True)
            _make(repo, commit, target)
    except OSError as error:
        hint = "Free disk space, or make the folder writable."
        raise CheckoutError(f"the checkout of {repo} cannot be written: {error}", hint=hint) from error
    if _git(target, "rev-parse", "HEAD") != commit or _changes(target, commit):
        hint = "Move or delete that folder: it is created again when needed."
        raise CheckoutError(f"{target} was changed since it was created", hint=hint)
    return target


def _make(repo: str, commit: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as workshop:
        made = Path(workshop) / "checkout"
        _copy(_source(repo), made)
        if (made_commit := _commit(made)) != commit:
            what = f"the bundled files of {repo} have commit id {made_commit}, not {commit}"
            raise CheckoutError(what, hint="The installed files were changed: install the program again.")
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster, with the same files
                raise


@cache
def _base_commits() -> dict[str, str]:
    return {task.repo: task.base_commit for task in starter.load().instances}


def _source(repo: str) -> Traversable:
    return files("swebench_tui.bench") / "starter" / "repos" / repo.rpartition("/")[2]


def _copy(source: Traversable, into: Path) -> None:
    """Copy the files of a folder as they are, but not what Python, editors and file managers leave there."""
    into.mkdir()
    for entry in source.iterdir():
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            _copy(entry, into / entry.name)
        else:
            (into / entry.name).write_bytes(entry.read_bytes())


def _commit(folder: Path) -> str:
    """Make the folder a git repository with one commit of all its files, and return the commit's id."""
    _git(folder, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    # Kept in the checkout: what a user's own configuration says must not change its files later either.
    _git(folder, "config", "core.autocrlf", "false")
    _git(folder, "config", "core.fileMode", "false")
    (folder / ".git" / "info").mkdir()
    (folder / ".git" / "info" / "exclude").write_text(_EXCLUDED, encoding="ascii")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message=Base of the starter tasks")
    return _git(folder, "rev-parse", "HEAD")


def _changes(folder: Path, commit: str) -> str:
    """What differs from the commit. The own configuration of the checkout is not read: it could start programs."""
    with sealed(object_folder(folder), work_tree=folder) as own:
        (own.folder / "HEAD").write_text(f"{commit}\n", encoding="ascii")
        (own.folder / "info").mkdir()
        (own.folder / "info" / "exclude").write_text(_EXCLUDED, encoding="ascii")
        variables = {**own.variables, "GIT_INDEX_FILE": str(folder / ".git" / "index")}
        return _git(folder, "-c", "core.fileMode=false", "status", "--porcelain", variables=variables)


def _git(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    try:
        result = run_git(folder, arguments, variables={**_REPRODUCIBLE, **(variables or {})})
    except GitError as error:
        raise CheckoutError(str(error), hint="Install git and put it on the PATH.") from error
    if result.status:
        hint = "If the folder was changed by hand, delete it: it is created again when needed."
        raise CheckoutError(f"git failed in {folder}: {result.stderr}", hint=hint)
    return result.stdout.decode("utf-8", "replace").strip()
