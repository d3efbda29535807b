"""Where the files of a task are found: bundled, in a mirror, in the cache, on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_tui.bench.datasets import load
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.mirror import find_in_mirror
from swebench_tui.bench.repositories.remote import Remote
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from swebench_tui.bench.repositories.sources import Repositories, snapshot_of
from tests.git_repositories import bare_clone, commit, git, make_checkout

REPO = "owner/name"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("served")
    checkout = make_checkout(folder / "checkout", {"x.py": "x = 1\n", "y.py": "y\n"})
    head = commit(checkout)
    (folder / "owner").mkdir()
    bare_clone(checkout, folder / f"{REPO}.git")
    return folder, head


def task(head: str, repo: str = REPO) -> Instance:
    return Instance(repo=repo, instance_id="i", base_commit=head, problem_statement="")


def nowhere(folder: Path, mirror: Path | None = None) -> Repositories:
    """Repositories whose server is not there."""
    return Repositories(folder=folder, mirror=mirror, remote=Remote(f"file://{folder}/nowhere/{{repo}}"))


def test_a_bundled_repository_is_checked_out(tmp_path: Path) -> None:
    located = snapshot_of(load("starter").instances[0], nowhere(tmp_path))
    assert located.bundled
    assert isinstance(located.snapshot, FolderSnapshot)


def test_another_commit_of_a_bundled_repository_is_not_bundled(tmp_path: Path) -> None:
    located = snapshot_of(task("1" * 40, load("starter").instances[0].repo), nowhere(tmp_path))
    assert (located.snapshot, located.bundled) == (None, False)


def test_what_is_nowhere_has_a_reason_and_a_command(tmp_path: Path, origin: tuple[Path, str]) -> None:
    located = snapshot_of(task(origin[1]), nowhere(tmp_path))
    assert located.snapshot is None
    assert located.reason == f"{REPO} is not on this machine at commit {origin[1][:12]}"
    assert located.hint == f"Fetch it: swebench-tui repo fetch {REPO}@{origin[1]}"
    mirrored = snapshot_of(task(origin[1]), nowhere(tmp_path, mirror=tmp_path))
    assert mirrored.reason.endswith(f", nor in the mirror {tmp_path}")
    missing = snapshot_of(task(origin[1]), nowhere(tmp_path, mirror=tmp_path / "gone"))
    assert missing.reason.endswith(f", and the mirror {tmp_path / 'gone'} is not a folder")


def test_a_fetched_commit_is_found_without_the_server(tmp_path: Path, origin: tuple[Path, str]) -> None:
    folder, head = origin
    online = Repositories(folder=tmp_path, remote=Remote(f"file://{folder}/{{repo}}.git"))
    assert snapshot_of(task(head), online).snapshot is None
    fetched = snapshot_of(task(head), online, allow_network=True).snapshot
    assert isinstance(fetched, CommitSnapshot)
    assert snapshot_of(task(head), nowhere(tmp_path)).snapshot == fetched
    with fetched.open() as tree:
        assert tree.read("x.py") == b"x = 1\n"


def test_a_failed_fetch_is_an_error(tmp_path: Path, origin: tuple[Path, str]) -> None:
    with pytest.raises(RepositoryError, match="does not exist or needs a login"):
        snapshot_of(task(origin[1]), nowhere(tmp_path), allow_network=True)


@pytest.mark.parametrize(
    "repo",
    [
        "../../etc",
        "--upload-pack=x",
        "a",
        "a/b/c",
        "/a/b",
        "a/..",
        "a/b\n",
        "a/b\x1b[2J",
        "-a/b",
        "a/-b",
        ".a/b",
        "a__b/c",
        "",
    ],
)
def test_a_hostile_name_is_a_reason_and_touches_nothing(tmp_path: Path, repo: str) -> None:
    located = snapshot_of(task("1" * 40, repo), nowhere(tmp_path / "cache", mirror=tmp_path), allow_network=True)
    assert located.snapshot is None
    assert "is not the name of a repository" in located.reason
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("commit_text", ["HEAD", "--all", "1" * 39, "1" * 41, "A" * 40, "", "main"])
def test_a_hostile_commit_is_a_reason(tmp_path: Path, commit_text: str) -> None:
    assert "is not a commit" in snapshot_of(task(commit_text), nowhere(tmp_path), allow_network=True).reason


@pytest.mark.parametrize(
    "place", ["owner/name", "owner/name.git", "owner__name", "owner__name.git", "name", "name.git"]
)
@pytest.mark.parametrize("bare", [True, False])
def test_a_mirror_has_clones_under_many_names(tmp_path: Path, origin: tuple[Path, str], place: str, bare: bool) -> None:
    folder, head = origin
    (tmp_path / place).parent.mkdir(exist_ok=True)
    options = ["--bare"] if bare else []
    git(tmp_path, "clone", "-q", *options, str(folder / f"{REPO}.git"), place)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    located = snapshot_of(task(head), nowhere(tmp_path / "cache", mirror=tmp_path))
    assert located.snapshot == CommitSnapshot(tmp_path / place, head)
    with located.snapshot.open() as tree:
        assert tree.read("x.py") == b"x = 1\n"
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_linked_worktrees_and_shared_clones_are_mirrors_too(tmp_path: Path, origin: tuple[Path, str]) -> None:
    folder, head = origin
    git(tmp_path, "clone", "-q", "--shared", str(folder / f"{REPO}.git"), "shared")
    git(tmp_path / "shared", "worktree", "add", "-q", "--detach", str(tmp_path / "owner" / "name"), head)
    found = find_in_mirror(tmp_path, REPO, head)
    assert found == tmp_path / "owner" / "name"
    with CommitSnapshot(found, head).open() as tree:
        assert tree.read("y.py") == b"y\n"


def test_a_mirror_without_the_commit_is_passed_over(tmp_path: Path, origin: tuple[Path, str]) -> None:
    folder, head = origin
    other = make_checkout(tmp_path / "mirror" / "name", {"z": ""})
    commit(other)
    (tmp_path / "mirror" / "name.git").mkdir()  # no repository
    assert find_in_mirror(tmp_path / "mirror", REPO, head) is None
    online = Repositories(folder=tmp_path, mirror=tmp_path / "mirror", remote=Remote(f"file://{folder}/{{repo}}.git"))
    located = snapshot_of(task(head), online, allow_network=True)
    assert located.snapshot == CommitSnapshot(tmp_path / "owner__name.git", head)


def test_a_mirror_without_contents_is_passed_over(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "checkout", {f"f{number}.py": f"{number}\n" for number in range(60)})
    head = commit(checkout)
    git(checkout, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{checkout}", "mirror/name")
    assert find_in_mirror(tmp_path / "mirror", REPO, head) is None


def test_the_limit_removes_other_clones_after_a_fetch(tmp_path: Path, origin: tuple[Path, str]) -> None:
    folder, head = origin
    remote = Remote(f"file://{folder}/owner/{{repo}}/../../../{REPO}.git")
    repositories = Repositories(folder=tmp_path, remote=remote, limit=1)
    for repo in ("a/first", "a/second"):
        (folder / "owner" / repo).mkdir(parents=True, exist_ok=True)
        assert snapshot_of(task(head, repo), repositories, allow_network=True).snapshot is not None
    assert [path.name for path in tmp_path.glob("*.git")] == ["a__second.git"]
