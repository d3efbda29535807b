"""Fetches commits into a clone of the cache.

A commit is fetched by its id, first with its folders alone (`--depth 1 --filter=blob:none`), then the content of all
its files that may be text in one request: asking for one file at a time would take a connection each. Of the next
commit, only what differs is fetched. Git takes in what it received only when all of it has arrived.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.git import GitCancelledError, GitError, GitResult, run_git
from swebench_tui.bench.git.network import run_network_git
from swebench_tui.bench.git.process import check_cancelled
from swebench_tui.bench.git.sealed import sealed
from swebench_tui.bench.repositories.clone import REFS, Clone, missing_files
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.in_use import USE_FILE, reading
from swebench_tui.bench.repositories.names import check_commit, check_repo
from swebench_tui.bench.repositories.progress import FetchProgress, ProgressReader, Report, Step
from swebench_tui.bench.repositories.remote import Remote, fetch_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_NOT_OURS: Final = re.compile(r"not our ref ([0-9a-f]{40})")
_CONFIG: Final = """[core]
\trepositoryFormatVersion = 1
\tbare = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\tpromisor = true
\tpartialCloneFilter = blob:none
[gc]
\tauto = 0
"""


def fetch_commits(clone: Clone, commits: Sequence[str], remote: Remote, report: Report = lambda _: None) -> None:
    """Fetch the commits that the clone lacks, with their files. Creates the clone if needed. Blocks.

    Raises `RepositoryError` for invalid names, commits that the repository does not have, a network or disk that fails,
    and `GitError` when cancelled. What has arrived by then stays and is used.
    """
    check_repo(clone.repo)
    wanted = list(dict.fromkeys(map(check_commit, commits)))
    try:
        with clone.locked(report):
            _create(clone)
            try:
                with reading(clone.folder):
                    _Fetch(clone, remote, report).run(wanted)
            finally:
                _clear_left_overs(clone)
    except OSError as error:
        what = f"error: cannot write {error.filename or clone.folder}: {error.strerror}"
        raise fetch_error(clone.repo, remote, what) from error


def newest_commit(repo: str, remote: Remote) -> str:
    """The newest commit of the default branch, from the server. Blocks. Raises `RepositoryError`."""
    with sealed() as own:
        result = _network(repo, own.folder, ["ls-remote", "origin", "HEAD"], remote, variables=own.variables)
    if result.status:
        raise fetch_error(repo, remote, result.stderr)
    commit = result.stdout.decode("ascii", "replace").partition("\t")[0]
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise RepositoryError(f"{repo}: {remote.shown(repo)} has no commits", hint="Name a commit: owner/name@COMMIT.")
    return commit


def _create(clone: Clone) -> None:
    """Make the empty clone beside its place and move it there, so that nobody sees half of one."""
    if clone.exists():
        _clear_left_overs(clone)
        return
    prefix = f".making-{clone.folder.name}~"  # no name has a tilde, so this repository's alone
    for left_over in clone.cache.glob(f"{prefix}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=clone.cache) as workshop:
        made = Path(workshop) / "clone"
        for part in ("objects/pack", "refs/heads"):
            (made / part).mkdir(parents=True)
        (made / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        (made / "config").write_text(_CONFIG, encoding="ascii")
        (made / USE_FILE).touch()
        if clone.folder.exists():  # without objects, so it is no clone
            shutil.rmtree(clone.folder)
        made.rename(clone.folder)


def _clear_left_overs(clone: Clone) -> None:
    """Delete what a git that failed or was killed left, whoever ran it: this process has the lock."""
    for left_over in clone.folder.glob("objects/pack/*tmp_*"):
        left_over.unlink(missing_ok=True)
    for left_over in clone.folder.glob("objects/tmp_objdir-*"):
        shutil.rmtree(left_over, ignore_errors=True)


class _NoObjectsByIdError(Exception):
    """The server gives no object by its id."""


class _NotOnServerError(RepositoryError):
    """The server has no object with this id."""

    def __init__(self, what: str, *, hint: str, commit: str) -> None:
        super().__init__(what, hint=hint)
        self.commit = commit


class _Fetch:
    """One fetch, by the holder of the clone's lock."""

    def __init__(self, clone: Clone, remote: Remote, report: Report) -> None:
        self._clone = clone
        self._remote = remote
        self._report = report

    def run(self, commits: Sequence[str]) -> None:
        try:
            absent = self._fetch(commits)
        except _NoObjectsByIdError:
            absent = self._fetch_everything(commits)
        if absent:
            raise RepositoryError(
                f"{self._clone.repo}: {self._remote.shown(self._clone.repo)} has no commit {', '.join(absent)}",
                hint="Check the commit. It may be in a fork, or was removed.",
            )

    def _fetch(self, commits: Sequence[str]) -> list[str]:
        """Fetch what the clone lacks by ids; returns the commits that the server does not have."""
        known = set(self._clone.commits())
        lacking = self._lacking(commit for commit in commits if commit in known)
        unknown = [commit for commit in commits if lacking.get(commit) is None]
        absent = self._fetch_commits(unknown) if unknown else []
        lacking |= self._lacking(commit for commit in unknown if commit not in absent)
        files = sorted({blob for missing in lacking.values() for blob in missing or ()})
        if files:
            ids = "".join(f"{blob_id}\n" for blob_id in files)
            self._git(["--filter=blob:none"], ids, "files", settings=["fetch.negotiationAlgorithm=noop"])
        return absent

    def _lacking(self, commits: Iterable[str]) -> dict[str, list[str] | None]:
        lacking: dict[str, list[str] | None] = {}
        commits = list(commits)
        for number, commit in enumerate(commits):
            check_cancelled()
            self._report(FetchProgress(self._clone.repo, "checking", 100 * number // len(commits)))
            lacking[commit] = missing_files(self._clone.folder, commit)
        return lacking

    def _fetch_commits(self, commits: Sequence[str]) -> list[str]:
        """Fetch commits with their folders; returns those that the server does not have."""
        wanted, absent = list(commits), list[str]()
        while wanted:
            refs = "".join(f"+{commit}:{REFS}/{commit}\n" for commit in wanted)
            try:
                self._git(["--depth=1", "--filter=blob:none"], refs, "commits")
                break
            except _NotOnServerError as error:
                if error.commit not in wanted:
                    raise
                wanted.remove(error.commit)
                absent.append(error.commit)
        return absent

    def _fetch_everything(self, commits: Sequence[str]) -> list[str]:
        """Fetch all branches and tags with their files, from a server of the first protocol, which gives no object by
        its id; returns the commits that are not in them.
        """
        (self._clone.folder / "shallow").unlink(missing_ok=True)  # else the server leaves out what it thinks is here
        refs = "+refs/heads/*:refs/remotes/origin/*\n+refs/tags/*:refs/tags/*\n"
        self._git(["--refetch", "--no-filter"], refs, "files")
        absent = [commit for commit in commits if missing_files(self._clone.folder, commit) != []]
        for commit in commits:
            if commit not in absent:
                arguments = ["update-ref", f"{REFS}/{commit}", commit]
                run_git(self._clone.folder, arguments, variables={"GIT_DIR": str(self._clone.folder)})
        return absent

    def _git(self, options: Sequence[str], refs: str, step: Step, *, settings: Sequence[str] = ()) -> None:
        (self._clone.folder / "config").write_text(_CONFIG, encoding="ascii")  # ours, whatever it was
        fetch = [
            "fetch",
            "--progress",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            *options,
            "--stdin",
        ]
        result = _network(
            self._clone.repo,
            self._clone.folder,
            [*fetch, "origin"],
            self._remote,
            stdin=refs.encode(),
            settings=settings,
            variables={"GIT_DIR": str(self._clone.folder)},
            progress=ProgressReader(self._clone.repo, step, self._report),
        )
        if "unadvertised object" in result.stderr:
            raise _NoObjectsByIdError
        error = fetch_error(self._clone.repo, self._remote, result.stderr)
        if refused := _NOT_OURS.search(result.stderr):
            raise _NotOnServerError(str(error), hint=error.hint, commit=refused.group(1))
        if result.status:
            raise error


def _network(
    repo: str,
    folder: Path,
    arguments: Sequence[str],
    remote: Remote,
    *,
    variables: Mapping[str, str],
    stdin: bytes = b"",
    settings: Sequence[str] = (),
    progress: Callable[[bytes], None] = lambda _: None,
) -> GitResult:
    """Run git with the remote `origin`. Its address is in no file and no list of processes: it may have a password."""
    address = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "remote.origin.url",
        "GIT_CONFIG_VALUE_0": remote.url(repo),
    }
    try:
        return run_network_git(
            folder,
            arguments,
            transports=remote.transports,
            stdin=stdin,
            settings=settings,
            variables={**variables, **address},
            progress=progress,
        )
    except GitCancelledError:
        raise
    except GitError as error:
        raise fetch_error(repo, remote, str(error)) from error
