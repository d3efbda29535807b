"""A commit is read by its id, from where its objects are."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_tui.bench.git import GitError
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from tests.git_repositories import bare_clone, commit, git, make_checkout


def open_commit(repository: Path, commit_id: str) -> None:
    with CommitSnapshot(repository, commit_id).open():
        pass


def test_an_old_commit_is_read_beside_a_newer_checkout(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "repo", {"x.py": "old\n"})
    old = commit(folder)
    commit(folder, {"x.py": "new\n", "y.py": ""})
    with CommitSnapshot(folder, old).open() as tree:
        assert tree.files() == ["x.py"]
        assert tree.read("x.py") == b"old\n"
        assert tree.blob_id("x.py") == git(folder, "rev-parse", f"{old}:x.py")
        assert tree.blob_id("y.py") is None
        assert tree.apply_check(b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-new\n+x\n") is not None


def test_a_commit_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "repo", {"x.py": ""})
    commit(folder)
    with pytest.raises(GitError, match="0000"):
        open_commit(bare_clone(folder, tmp_path / "bare"), "0" * 40)


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=f"not a git repository: {tmp_path}"):
        open_commit(tmp_path, "0" * 40)
    with pytest.raises(GitError, match="not a git repository"):
        open_commit(tmp_path / "gone", "0" * 40)


def test_a_damaged_repository_is_an_error(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "repo", {"x.py": "x\n"})
    head = commit(folder)
    blob = git(folder, "rev-parse", f"{head}:x.py")
    damaged = folder / ".git" / "objects" / blob[:2] / blob[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(b"not zlib")
    with CommitSnapshot(folder, head).open() as tree, pytest.raises(GitError):
        tree.read("x.py")
