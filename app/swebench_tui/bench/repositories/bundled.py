"""Git checkouts of the bundled repositories: made without network, with the same commit id on every machine.

The id of a commit is a hash over files, modes, author, dates and message. All of them are fixed here, and git is kept
from reading any configuration but the checkout's own, so the id can be compared with the task's `base_commit`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from swebench_tui.bench import datasets

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_DATE = "2024-01-01T00:00:00 +0000"
_WHO = {"NAME": "swebench-tui starter set", "EMAIL": "starter@swebench-tui.invalid", "DATE": _DATE}
_FIXED = {
    **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()},
    "GIT_DEFAULT_HASH": "sha1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    # A user's ignore and attributes files have default places that GIT_CONFIG_GLOBAL does not switch off.
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
}


class CheckoutError(Exception):
    """A checkout that cannot be made or trusted. `str(error)` says what happened, `hint` what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def bundled(repo: str) -> bool:
    """Do the files of this repository come with the program?"""
    return repo in _base_commits()


def base_commit(repo: str) -> str:
    """The one commit of a bundled repository, 40 hex digits; raises `CheckoutError` for any other repository."""
    try:
        return _base_commits()[repo]
    except KeyError:
        hint = f"Bundled are {', '.join(sorted(_base_commits()))}."
        raise CheckoutError(f"the repository {repo!r} is not bundled", hint=hint) from None


def checkout(repo: str, into: Path) -> Path:
    """The checkout of a bundled repository at its base commit: a folder inside `into`, made when it is not there.

    Processes may race for it: each makes its own beside the place, the first rename wins. Raises `CheckoutError` when
    git is missing or fails, when nothing can be written, and when the files are not those of the base commit.
    """
    commit = base_commit(repo)
    target = into / f"{repo.replace('/', '__')}-{commit[:12]}"
    try:
        if not target.exists():
            into.mkdir(parents=True, exist_ok=True)
            _make(repo, commit, target)
    except OSError as error:
        hint = "Make room there, or see to it that the folder can be written."
        raise CheckoutError(f"the checkout of {repo} cannot be written: {error}", hint=hint) from error
    if _git(target, "rev-parse", "HEAD") != commit or _git(target, "status", "--porcelain"):
        hint = "Move away or delete that folder; it is made again when it is needed."
        raise CheckoutError(f"{target} was changed since it was made", hint=hint)
    return target


def _make(repo: str, commit: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as workshop:
        made = Path(workshop) / "checkout"
        _copy(_source(repo), made)
        if (made_commit := _commit(made)) != commit:
            what = f"the bundled files of {repo} make commit {made_commit}, not {commit}"
            raise CheckoutError(what, hint="They were changed; install the program again.")
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster, with the same files
                raise


def _base_commits() -> dict[str, str]:
    return {task.repo: task.base_commit for task in datasets.load(datasets.STARTER)}


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
    (folder / ".git" / "info" / "exclude").write_text("__pycache__/\n", encoding="utf-8")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message=Base of the starter tasks")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = inherited | _FIXED | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        )
    except FileNotFoundError as error:
        raise CheckoutError("git was not found", hint="Install git, and see to it that it is on the PATH.") from error
    except subprocess.CalledProcessError as error:
        hint = "Where the folder was changed by hand, delete it: it is made again when it is needed."
        raise CheckoutError(f"git failed in {folder}: {error.stderr.strip()}", hint=hint) from error
    return done.stdout.strip()
