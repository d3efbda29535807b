"""A repository whose configuration and attributes would start programs starts none, whatever is read of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from swebench_tui.bench.git import GitError
from swebench_tui.bench.patches import judge
from swebench_tui.bench.repositories import bundled
from swebench_tui.bench.repositories.clone import Clone, missing_files
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.fetch import fetch_commits, newest_commit
from swebench_tui.bench.repositories.mirror import find_in_mirror
from swebench_tui.bench.repositories.remote import Remote
from swebench_tui.bench.repositories.revision import commit_id
from swebench_tui.bench.repositories.snapshot import FolderSnapshot, Snapshot
from tests.git_repositories import commit, git, make_checkout, write

FILES: dict[str, str | bytes] = {"app/x.py": "a = 1\nb = 2\n", "app/y.py": "c = 3\n"}
PATCH = "--- a/app/x.py\n+++ b/app/x.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 2\n b = 2\n"
ANSWERS = (
    f"```diff\n{PATCH}```\n",
    f"```diff\n{PATCH.replace('b = 2', 'b = 2 ')}```\n",
    "<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n",
    "app/x.py\n```python\na = 2\nb = 2\n```\n",
)


def arm(git_folder: Path, canary: Path) -> None:
    """Let everything that can start a program from a repository's own files write the canary."""
    script = git_folder / "evil.sh"
    script.write_text(f'#!/bin/sh\necho "$0 $@" >> {canary}\ncat\n')
    script.chmod(0o755)
    hooks = git_folder / "evil-hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman", "pre-auto-gc"):
        (hooks / hook).write_bytes(script.read_bytes())
        (hooks / hook).chmod(0o755)
    with (git_folder / "config").open("a") as config:
        config.write(f"""
[core]
    fsmonitor = {script}
    hooksPath = {hooks}
    pager = {script}
    editor = {script}
    sshCommand = {script}
    askPass = {script}
    alternateRefsCommand = {script}
    gitProxy = {script}
[filter "evil"]
    clean = {script}
    smudge = {script}
    process = {script}
    required = true
[diff]
    external = {script}
[diff "evil"]
    textconv = {script}
    command = {script}
[merge "evil"]
    driver = {script}
[credential]
    helper = {script}
[uploadpack]
    packObjectsHook = {script}
[alias]
    apply = !{script}
    status = !{script}
""")


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def hostile(tmp_path: Path, canary: Path) -> Path:
    """A checkout of which every file looks changed, so that git would run the filters on it."""
    folder = make_checkout(tmp_path / "mirror" / "owner" / "name", FILES)
    commit(folder, {".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    arm(folder / ".git", canary)
    for name in FILES:
        os.utime(folder / name, (1, 1))
    return folder


def test_the_trap_works(hostile: Path, canary: Path) -> None:
    subprocess.run(["git", "status"], cwd=hostile, check=False, capture_output=True)
    assert "evil.sh" in canary.read_text()


def snapshots(hostile: Path) -> list[Snapshot]:
    return [FolderSnapshot(hostile), CommitSnapshot(hostile, (hostile / ".git/refs/heads/main").read_text().strip())]


@pytest.mark.parametrize("end", [0, 1], ids=["folder", "commit"])
def test_no_check_of_an_answer_runs_anything(hostile: Path, canary: Path, end: int) -> None:
    snapshot = snapshots(hostile)[end]
    assert [judge(answer, snapshot=snapshot).status for answer in ANSWERS] == ["applies"] * len(ANSWERS)
    with snapshot.open() as tree:
        assert tree.files() == [".gitattributes", "app/x.py", "app/y.py"]
        assert tree.files_with("c = 3") == ["app/y.py"]
        assert tree.read("app/x.py") == b"a = 1\nb = 2\n"
        assert tree.apply_check(PATCH.encode()) is None
        assert tree.apply_check(PATCH.replace("b = 2", "b = 3").encode()) is not None
        assert tree.blob_id("app/x.py") == git(hostile, "-c", "core.fsmonitor=false", "rev-parse", ":app/x.py")
    assert not canary.exists()


def test_nothing_else_that_reads_a_repository_runs_anything(hostile: Path, canary: Path) -> None:
    head = commit_id(hostile, "main")
    assert missing_files(hostile, head) == []
    assert find_in_mirror(hostile.parents[1], "owner/name", head) == hostile
    assert not canary.exists()


def test_fetching_from_a_hostile_repository_runs_nothing(hostile: Path, canary: Path, tmp_path: Path) -> None:
    git(hostile.parent, "-c", "core.fsmonitor=false", "clone", "-q", "--bare", str(hostile), "bare.git")
    bare = hostile.parent / "bare.git"
    canary.unlink(missing_ok=True)
    arm(bare, canary)
    remote = Remote(f"file://{hostile.parents[1]}/{{repo}}.git")
    clone = Clone(tmp_path / "cache", "owner/bare")
    fetch_commits(clone, [newest_commit("owner/bare", remote)], remote)
    assert len(clone.commits()) == 1
    assert not canary.exists()


@pytest.mark.parametrize("spoil", [lambda _: None, lambda folder: write(folder, {"tillroll/money.py": "x\n"})])
def test_a_hostile_bundled_checkout_runs_nothing(tmp_path: Path, canary: Path, spoil: Callable[[Path], None]) -> None:
    folder = bundled.checkout("starter/tillroll", tmp_path / "checkouts")
    write(folder, {".git/info/attributes": "* filter=evil diff=evil\n"})
    arm(folder / ".git", canary)
    for file in folder.rglob("*.py"):
        os.utime(file, (1, 1))
    spoil(folder)
    try:
        bundled.checkout("starter/tillroll", tmp_path / "checkouts")
    except bundled.CheckoutError as error:
        assert "was changed" in str(error)  # noqa: PT017 - one of the two cases raises
    assert not canary.exists()


def test_replaced_objects_are_not_read(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "repo", FILES)
    head = commit(folder)
    other = git(folder, "hash-object", "-w", "--stdin", stdin=b"replaced\n")
    git(folder, "replace", git(folder, "rev-parse", "HEAD:app/x.py"), other)
    with CommitSnapshot(folder, head).open() as tree:
        assert tree.read("app/x.py") == b"a = 1\nb = 2\n"


@pytest.mark.parametrize("revision", ["--upload-pack=x", "-h", "main\nmain", "main^{tree}", "../../etc", "\x1b[2J"])
def test_a_hostile_revision_is_no_commit(tmp_path: Path, revision: str) -> None:
    folder = make_checkout(tmp_path / "repo", FILES)
    commit(folder)
    with pytest.raises(GitError):
        commit_id(folder, revision)


def test_a_link_swapped_into_a_checkout_is_not_followed(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "repo", FILES)
    commit(folder)
    write(tmp_path / "outside", {"y.py": "secret\n", "x.py": "secret\n"})
    for file in (folder / "app").iterdir():
        file.unlink()
    (folder / "app").rmdir()
    (folder / "app").symlink_to(tmp_path / "outside")
    with FolderSnapshot(folder).open() as tree:
        assert tree.kind("app") == "symlink"
        assert tree.read("app/x.py") is None
        assert tree.files_with("secret") == []
