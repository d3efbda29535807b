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
    from collections.abc import Iterable, Sequence

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
            with reading(clone.folder):
                _Fetch(clone, remote, report).run(wanted)
    except OSError as error:
        what = f"error: cannot write {error.filename or clone.folder}: {error.strerror}"
        raise fetch_error(clone.repo, remote, what) from error


def newest_commit(repo: str, remote: Remote) -> str:
    """The newest commit of the default branch, from the server. Blocks. Raises `RepositoryError`."""
    with sealed() as own:
        variables = {**own.variables, **_address(repo, remote)}
        try:
            result = run_network_git(
                own.folder, ["ls-remote", "origin", "HEAD"], transports=remote.transports, variables=variables
            )
        except GitCancelledError:
            raise
        except GitError as error:
            raise fetch_error(repo, remote, str(error)) from error
    if result.status:
        raise fetch_error(repo, remote, result.stderr)
    commit = result.stdout.decode("ascii", "replace").partition("\t")[0]
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise RepositoryError(f"{repo}: {remote.shown(repo)} has no commits", hint="Name a commit: owner/name@COMMIT.")
    return commit


def _create(clone: Clone) -> None:
    """Make the empty clone beside its place and move it there, so that nobody sees half of one."""
    if clone.exists():
        for left_over in clone.folder.glob("objects/pack/*tmp_*"):  # of a process that was killed: we have the lock
            left_over.unlink(missing_ok=True)
        for left_over in clone.folder.glob("objects/tmp_objdir-*"):
            shutil.rmtree(left_over, ignore_errors=True)
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


class _Fetch:
    """One fetch, by the holder of the clone's lock."""

    def __init__(self, clone: Clone, remote: Remote, report: Report) -> None:
        self._clone = clone
        self._remote = remote
        self._report = report

    def run(self, commits: Sequence[str]) -> None:
        known = set(self._clone.commits())
        lacking = self._lacking(commit for commit in commits if commit in known)
        unknown = [commit for commit in commits if lacking.get(commit) is None]
        absent = self._fetch_commits(unknown) if unknown else []
        lacking |= self._lacking(commit for commit in unknown if commit not in absent)
        files = sorted({blob for missing in lacking.values() for blob in missing or ()})
        if files:
            self._fetch_files(files)
        if absent:
            raise RepositoryError(
                f"{self._clone.repo}: {self._remote.shown(self._clone.repo)} has no commit {', '.join(absent)}",
                hint="Check the commit. It may be in a fork, or was removed.",
            )

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
            result = self._git(["--depth=1", "--filter=blob:none"], refs, "commits")
            if result.status == 0:
                break
            refused = _NOT_OURS.search(result.stderr)
            if refused is None or refused.group(1) not in wanted:
                if "unadvertised object" not in result.stderr:
                    raise fetch_error(self._clone.repo, self._remote, result.stderr)
                return [*absent, *self._fetch_branches(wanted)]
            wanted.remove(refused.group(1))
            absent.append(refused.group(1))
        return absent

    def _fetch_branches(self, commits: Sequence[str]) -> list[str]:
        """Fetch all branches and tags, from a server that gives no commit by its id; returns commits not in them."""
        refs = "+refs/heads/*:refs/remotes/origin/*\n+refs/tags/*:refs/tags/*\n"
        shallow = ["--unshallow"] if (self._clone.folder / "shallow").exists() else []
        result = self._git([*shallow, "--filter=blob:none"], refs, "commits")
        if result.status:
            raise fetch_error(self._clone.repo, self._remote, result.stderr)
        absent = [commit for commit in commits if missing_files(self._clone.folder, commit) is None]
        for commit in commits:
            if commit not in absent:
                self._local(["update-ref", f"{REFS}/{commit}", commit])
        return absent

    def _fetch_files(self, blob_ids: Sequence[str]) -> None:
        """Fetch blobs by their ids, in one request."""
        ids = "".join(f"{blob_id}\n" for blob_id in blob_ids)
        result = self._git(["--filter=blob:none"], ids, "files", settings=["fetch.negotiationAlgorithm=noop"])
        if result.status:
            raise fetch_error(self._clone.repo, self._remote, result.stderr)

    def _git(self, options: Sequence[str], refs: str, step: Step, *, settings: Sequence[str] = ()) -> GitResult:
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
        try:
            return run_network_git(
                self._clone.folder,
                [*fetch, "origin"],
                transports=self._remote.transports,
                stdin=refs.encode(),
                settings=settings,
                variables={"GIT_DIR": str(self._clone.folder), **_address(self._clone.repo, self._remote)},
                progress=ProgressReader(self._clone.repo, step, self._report),
            )
        except GitCancelledError:
            raise
        except GitError as error:
            raise fetch_error(self._clone.repo, self._remote, str(error)) from error

    def _local(self, arguments: Sequence[str]) -> None:
        result = run_git(self._clone.folder, arguments, variables={"GIT_DIR": str(self._clone.folder)})
        if result.status:
            raise GitError(result.stderr)


def _address(repo: str, remote: Remote) -> dict[str, str]:
    """The address as a variable, in no file and no list of processes: it may have a password in it."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "remote.origin.url",
        "GIT_CONFIG_VALUE_0": remote.url(repo),
    }
