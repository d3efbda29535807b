"""A commit of a bare repository reads like a checkout of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from swebench_tui.bench.datasets import load
from swebench_tui.bench.git import GitError
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import judge
from swebench_tui.bench.repositories.bundled import checkout
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.snapshot import FolderSnapshot


def bare_clone(folder: Path, into: Path) -> Path:
    subprocess.run(["git", "clone", "-q", "--bare", folder, into], check=True)
    return into


@pytest.mark.parametrize("task", load("starter").instances, ids=lambda task: task.instance_id)
def test_a_starter_task_gets_one_verdict_from_both_ends(tmp_path: Path, task: Instance) -> None:
    folder = checkout(task.repo, tmp_path)
    commit = CommitSnapshot(bare_clone(folder, tmp_path / "bare"), task.base_commit)
    for answer in (f"```diff\n{task.patch}```\n", f"```diff\n{task.patch.replace('@@ -', '@@ -9')}```\n", "no patch"):
        verdict = judge(answer, snapshot=commit)
        assert verdict == judge(answer, snapshot=FolderSnapshot(folder))
        assert (verdict.status == "applies") == (answer != "no patch")


def test_a_commit_that_is_not_there_is_named(tmp_path: Path) -> None:
    bare = bare_clone(checkout("starter/tillroll", tmp_path), tmp_path / "bare")
    with pytest.raises(GitError, match="0000"), CommitSnapshot(bare, "0" * 40).open():
        pass
