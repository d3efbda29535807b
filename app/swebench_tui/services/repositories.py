"""Repositories as they are configured, and fetching several of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui import paths
from swebench_tui.bench.git import Cancellation, GitError, cancellable
from swebench_tui.bench.repositories import bundled, cache
from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.fetch import fetch_commits, newest_commit
from swebench_tui.bench.repositories.mirror import find_in_mirror
from swebench_tui.bench.repositories.names import check_commit, check_repo
from swebench_tui.bench.repositories.remote import Remote
from swebench_tui.bench.repositories.sources import Repositories

if TYPE_CHECKING:
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.progress import Report
    from swebench_tui.settings.definitions import Settings

_AT_ONCE: Final = 2  # repositories that are fetched at the same time
_GB: Final = 1_000_000_000


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """How fetching one repository ended. `new` commits were fetched, `present` ones were on this machine before."""

    repo: str
    new: int = 0
    present: int = 0
    size: int = 0
    error: RepositoryError | GitError | None = None


def repositories_folder(settings: Settings) -> Path:
    """The folder of the clones."""
    folder = settings.repositories.folder
    return Path(folder).expanduser() if folder else paths.repositories()


def configured_repositories(settings: Settings, *, mirror: str | None = None) -> Repositories:
    """The repositories of the settings; `mirror` replaces the setting.

    Raises `RepositoryError` for an invalid URL, and for a `mirror` that is no folder. That of the settings may be one
    that is not mounted now.
    """
    own = settings.repositories
    place = own.mirror if mirror is None else mirror
    is_url = "{repo}" in place or "://" in place
    if mirror and not is_url and not Path(mirror).expanduser().is_dir():
        raise RepositoryError(f"the mirror {mirror} is not a folder", hint="Name a folder with clones, or a URL.")
    return Repositories(
        folder=repositories_folder(settings),
        mirror=Path(place).expanduser() if place and not is_url else None,
        remote=Remote(place) if is_url else Remote(),
        limit=int(own.limit_gb * _GB),
    )


def commits_of(instances: Iterable[Instance]) -> dict[str, list[str]]:
    """The base commits of tasks by repository, those of bundled repositories left out."""
    commits: dict[str, list[str]] = {}
    for instance in instances:
        if not bundled.bundled(instance.repo):
            commits.setdefault(instance.repo, []).append(instance.base_commit)
    return {repo: list(dict.fromkeys(ids)) for repo, ids in commits.items()}


def parse_repo(text: str) -> tuple[str, str | None]:
    """`owner/name` or `owner/name@COMMIT` as its parts. Raises `RepositoryError`."""
    repo, separator, commit = text.partition("@")
    return check_repo(repo), check_commit(commit) if separator else None


def format_size(size: int) -> str:
    """Bytes as text in decimal units: 7.3 MB."""
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**power:
            return f"{size / 10**power:.1f} {unit}"
    return f"{size} B"


def fetch_all(
    wanted: Mapping[str, Sequence[str]],
    repositories: Repositories,
    *,
    report: Report = lambda _: None,
    cancellation: Cancellation | None = None,
) -> Iterator[Fetched]:
    """Fetch commits of several repositories, two at a time; yields each as it ends. Blocks.

    No commits stand for the newest one of the default branch. `report` is called from other threads. Leaving the
    iterator, or an exception such as ctrl+c in it, ends all fetches.
    """
    stop = cancellation or Cancellation()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="repo-fetch") as threads:

        def fetch(repo: str) -> Fetched:
            with cancellable(stop):
                return _fetch(repo, wanted[repo], repositories, report)

        futures = [threads.submit(fetch, repo) for repo in wanted]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.cancel()
            threads.shutdown(cancel_futures=True)
    cache.shrink(repositories.folder, repositories.limit, keep=wanted)


def _fetch(repo: str, commits: Sequence[str], repositories: Repositories, report: Report) -> Fetched:
    clone = Clone(repositories.folder, repo)
    try:
        check_repo(repo)
        wanted = [*map(check_commit, commits)] or [newest_commit(repo, repositories.remote)]
        missing = [commit for commit in wanted if not _is_present(repo, commit, repositories)]
        if missing:
            fetch_commits(clone, missing, repositories.remote, report)
        size = clone.size() if clone.exists() else 0
        return Fetched(repo=repo, new=len(missing), present=len(wanted) - len(missing), size=size)
    except (RepositoryError, GitError) as error:
        return Fetched(repo=repo, error=error)


def _is_present(repo: str, commit: str, repositories: Repositories) -> bool:
    if repositories.mirror is not None and find_in_mirror(repositories.mirror, repo, commit):
        return True
    return Clone(repositories.folder, repo).has(commit)
