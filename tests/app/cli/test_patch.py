"""`swebench-tui patch check`: verdict, patch and exit status, against commits and tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.bench import datasets
from swebench_tui.cli.main import main

OLD, NEW = "def f():\n    return 1\n", "def f():\n    return 2\n"
DIFF = "--- a/f.py\n+++ b/f.py\n@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2\n"
TASK = datasets.load("starter").instances[0]


def patch(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["patch", "check", *arguments], input=stdin)


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{role}_{field}": "a@b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    environ = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", "-C", folder, *arguments], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, of which the first is tagged `base`; the working tree has neither's file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for number, content in enumerate([OLD, NEW]):
        (folder / "f.py").write_text(content)
        git(folder, "add", "f.py")
        git(folder, "commit", "-q", "-m", str(number))
        if not number:
            git(folder, "tag", "base")
    (folder / "f.py").write_text("another text\n")
    return folder


def test_standard_output_has_the_patch_alone(repository: Path) -> None:
    answer = f"Here:\n```diff\n{DIFF.replace('-1,2 +1,2', '-1,9 +1,9')}```\n"
    done = patch("-", "--repo", str(repository), "--base", "base", stdin=answer)
    assert done.exit_code == 0
    assert done.stdout == DIFF
    assert done.stderr.startswith("patch applies (git apply --check accepts it")
    assert "  files: f.py (+1 −1)\n  repairs: recounted\n" in done.stderr


@pytest.mark.parametrize("base", ["base", "HEAD~1", "COMMIT", "SHORT"])
def test_any_name_of_a_commit_is_a_base(base: str, repository: Path) -> None:
    commit = git(repository, "rev-parse", "base")
    base = {"COMMIT": commit, "SHORT": commit[:8]}.get(base, base)
    assert patch("-", "--repo", str(repository), "--base", base, stdin=DIFF).exit_code == 0


def test_the_commit_counts_and_not_the_working_tree(repository: Path) -> None:
    done = patch("-", "--repo", str(repository), stdin=DIFF)  # HEAD has the new line
    assert (done.exit_code, done.stdout) == (1, "")
    assert "patch does not apply" in done.stderr
    assert "[already_applied]" in done.stderr
    (repository / "f.py").write_text(OLD)
    assert patch("-", "--repo", str(repository), stdin=DIFF).exit_code == 1


def test_a_task_brings_its_repository(tmp_path: Path) -> None:
    file = tmp_path / "answer.md"
    file.write_text(TASK.patch)
    done = patch(str(file), "--instance", TASK.instance_id)
    assert (done.exit_code, "patch applies" in done.stderr) == (0, True)


def test_without_a_repository_the_form_alone_is_checked() -> None:
    done = patch("-", stdin=DIFF)
    assert (done.exit_code, done.stdout) == (0, DIFF)
    assert done.stderr.startswith("patch not checked")
    blocks = patch("-", stdin=f"f.py\n<<<<<<< SEARCH\n{OLD}=======\n{NEW}>>>>>>> REPLACE\n")
    assert (blocks.exit_code, blocks.stdout) == (1, "")


def test_json_has_the_whole_verdict(repository: Path) -> None:
    done = patch("-", "--repo", str(repository), "--base", "base", "--json", stdin=DIFF)
    verdict = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert (verdict["status"], verdict["class"], verdict["accepted"], verdict["diff"]) == ("applies", None, True, DIFF)
    assert {"files", "repairs", "added", "removed", "warnings", "dropped", "detail"} < verdict.keys()
    (hunk,) = verdict["hunks"]
    assert (hunk["file"], hunk["number"], hunk["stated"], hunk["line"], hunk["class"]) == ("f.py", 1, 1, 1, None)


def test_part_of_a_patch_needs_the_flag(repository: Path) -> None:
    answer = f"{DIFF}--- a/g.py\n+++ b/g.py\n@@ -1 +1 @@\n-x\n+y\n"
    command = "-", "--repo", str(repository), "--base", "base"
    refused, allowed = patch(*command, stdin=answer), patch(*command, "--allow-partial", stdin=answer)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "patch applies in part" in refused.stderr
    assert (allowed.exit_code, allowed.stdout) == (0, DIFF)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("-", "--base", "x"), 2, "--base needs --repo"),
        (("-", "--repo", ".", "--instance", "x"), 2, "Give one of --repo and --instance"),
        (("-", "--repo", "/nonexistent"), 1, "not a git repository: /nonexistent"),
        (("-", "--instance", "nonsense"), 1, "has no task 'nonsense'"),
        (("nonexistent.md",), 1, "nonexistent.md cannot be read: No such file or directory"),
        (("/",), 1, "/ cannot be read: Is a directory"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], status: int, message: str) -> None:
    done = patch(*arguments, stdin=DIFF)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr


def test_an_unknown_commit_is_named(repository: Path) -> None:
    done = patch("-", "--repo", str(repository), "--base", "nonsense", stdin=DIFF)
    assert done.exit_code == 1
    assert "has no commit 'nonsense'" in done.stderr


def test_bytes_that_are_not_utf_8_are_a_verdict(repository: Path) -> None:
    answer = DIFF.replace("return 2", "return '\xff'").encode("latin-1")
    done = patch("-", "--repo", str(repository), "--base", "base", stdin=answer)
    assert done.exit_code == 1
    assert "[not_utf8]" in done.stderr


def test_a_patch_in_a_pipe_is_byte_for_byte(repository: Path) -> None:
    answer = DIFF.replace("return 2", "return '\x1b[31m\u2028'")
    command = [sys.executable, "-m", "swebench_tui", "patch", "check", "-", "--repo", str(repository), "--base", "base"]
    done = subprocess.run(command, input=answer.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, answer.encode())
    assert b"\x1b" not in done.stderr
