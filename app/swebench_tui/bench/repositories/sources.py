"""Where the files of a task are: bundled, in the user's own clones, in the cache, or on a server.

repositories = Repositories(folder=paths.repositories())
located = snapshot_of(instance, repositories, allow_network=True)
if located.snapshot is None:
    print(located.reason, located.hint)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.repositories import bundled, cache
from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.fetch import fetch_commits
from swebench_tui.bench.repositories.mirror import find_in_mirror
from swebench_tui.bench.repositories.names import check_commit, check_repo
from swebench_tui.bench.repositories.remote import Remote
from swebench_tui.bench.repositories.snapshot import FolderSnapshot, Snapshot

if TYPE_CHECKING:
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.progress import Report


class Repositories(msgspec.Struct, frozen=True, kw_only=True):
    """Where repositories are looked for and kept.

    `folder` has the clones and the checkouts of bundled repositories. `mirror` is a folder with clones of the user.
    `limit` is the total size of the clones in bytes above which the ones that were not used for longest are removed;
    None: no limit.
    """

    folder: Path
    mirror: Path | None = None
    remote: Remote = Remote()
    limit: int | None = None


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot of a task; or why there is none, and what to do about it. `bundled`: the program itself has it."""

    snapshot: Snapshot | None = None
    bundled: bool = False
    reason: str = ""
    hint: str = ""


def snapshot_of(
    instance: Instance,
    repositories: Repositories,
    *,
    allow_network: bool = False,
    report: Report = lambda _: None,
) -> Located:
    """The files of a task at its base commit. Blocks; `cancellable` ends it.

    With `allow_network`, a commit that is nowhere on this machine is fetched. Raises `RepositoryError` where that fails
    or a bundled repository cannot be checked out, and `GitError` where git fails or is cancelled.
    """
    repo, commit = instance.repo, instance.base_commit
    try:
        check_repo(repo)
        check_commit(commit)
    except RepositoryError as error:
        return Located(reason=str(error), hint=error.hint)
    if bundled.bundled(repo) and bundled.base_commit(repo) == commit:
        return Located(snapshot=FolderSnapshot(bundled.checkout(repo, repositories.folder)), bundled=True)
    if repositories.mirror is not None:
        found = find_in_mirror(repositories.mirror, repo, commit)
        if found is not None:
            return Located(snapshot=CommitSnapshot(found, commit))
    clone = Clone(repositories.folder, repo)
    if not clone.has(commit):
        if not allow_network:
            return Located(
                reason=f"{repo} is not on this machine at commit {commit[:12]}{_about(repositories.mirror)}",
                hint=f"Fetch it: swebench-tui repo fetch {repo}@{commit}",
            )
        fetch_commits(clone, [commit], repositories.remote, report)
        cache.shrink(repositories.folder, repositories.limit, keep=[repo])
    return Located(snapshot=CommitSnapshot(clone.folder, commit))


def _about(mirror: Path | None) -> str:
    if mirror is None:
        return ""
    return f", nor in the mirror {mirror}" if mirror.is_dir() else f", and the mirror {mirror} is not a folder"
