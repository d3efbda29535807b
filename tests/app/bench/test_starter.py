"""The bundled tasks, proven by applying their patches and running their tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.context import corpus
from swebench_tui.bench.datasets import find, load
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.bundled import checkout
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

STARTER = files("swebench_tui.bench") / "starter"
ROWS = [msgspec.json.decode(line, type=dict[str, str]) for line in (STARTER / "tasks.jsonl").read_bytes().splitlines()]
TASKS = load("starter").instances
COLUMNS = {
    *("repo", "instance_id", "base_commit", "patch", "test_patch", "problem_statement", "hints_text", "created_at"),
    *("version", "FAIL_TO_PASS", "PASS_TO_PASS", "environment_setup_commit"),
}
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "swebench_sample.jsonl"
REAL_SAMPLES = [SHARED] if SHARED.is_file() else []
EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.instance_id)

# Where the change that comes to mind first is not enough, or breaks what worked: (task, line, that change).
FIRST_THOUGHTS = [
    ("starter__pathfence-1", "if not path.startswith(self.root):", 'if not path.startswith(self.root + "/"):'),
    (
        "starter__pathfence-1",
        "if not path.startswith(self.root):",
        'if ".." in name or not path.startswith(self.root):',
    ),
    ("starter__cratelist-1", "in self._needs:\n            if", "in list(self._needs):\n            if"),
    ("starter__meterlog-2", ".replace(tzinfo=timezone.utc)", ".astimezone(timezone.utc)"),
    ("starter__tillroll-2", "lines=[]):\n", "lines=None):\n        lines = [] if lines is None else lines\n"),
    ("starter__slugline-1", "SLUG.match(text)", "SLUG.match(text.strip())"),
]


@pytest.fixture(scope="session")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkouts")


def source_files(folder: Path) -> dict[str, str]:
    """The files that a prompt with all source files shows."""
    with FolderSnapshot(folder).open() as tree:
        return {path: corpus.read_source(tree, path)[0] or "" for path in corpus.source_paths(tree.files())}


def patched(task: Instance, checkouts: Path, into: Path, *patches: str) -> Path:
    shutil.copytree(checkout(task.repo, checkouts), into)
    for patch in patches:
        apply(into, patch)
    return into


def apply(folder: Path, patch: str, *options: str) -> None:
    subprocess.run(["git", "-C", folder, "apply", *options], input=patch.encode(), check=True)


def start_tests(folder: Path) -> subprocess.Popen[str]:
    """The repository's tests, seeing nothing of this project's pytest settings, plugins and coverage."""
    settings = ["--rootdir=.", "--confcutdir=.", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    ours = ("COVERAGE_", "PYTEST_", "PYTHON")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = inherited | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *settings, "-rA", "--tb=no", "--color=no"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def outcomes(tests: subprocess.Popen[str]) -> dict[str, str]:
    """Test to outcome, read from the summary as the SWE-bench harness does: an outcome, a blank, a name without one."""
    printed, _ = tests.communicate()
    assert tests.returncode in {0, 1}, printed
    return {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", printed, re.MULTILINE)}


def test_there_are_eleven_tasks_of_eight_repositories() -> None:
    assert (len(TASKS), len({task.repo for task in TASKS})) == (11, 8)


def test_every_bundled_repository_has_a_task() -> None:
    bundled = {f"starter/{folder.name}" for folder in (STARTER / "repos").iterdir()}
    assert bundled == {task.repo for task in TASKS}


def test_a_row_has_the_twelve_columns_and_no_other() -> None:
    assert all(row.keys() == COLUMNS for row in ROWS)


@pytest.mark.shared_data
@pytest.mark.parametrize("sample", REAL_SAMPLES)
def test_the_columns_and_their_order_are_those_of_real_rows(sample: Path) -> None:
    with sample.open("rb") as rows:
        real = msgspec.json.decode(next(rows), type=dict[str, str])
    assert all(list(row) == list(real) for row in ROWS)


@EACH_TASK
def test_the_small_columns_hold_what_they_say(task: Instance, checkouts: Path) -> None:
    assert re.fullmatch(task.repo.replace("/", "__") + r"-\d+", task.instance_id)
    assert datetime.strptime(task.created_at, "%Y-%m-%dT%H:%M:%S%z").utcoffset() == timedelta(0)
    project = tomllib.loads((checkout(task.repo, checkouts) / "pyproject.toml").read_text())["project"]
    assert project["version"].startswith(task.version + ".")
    assert project["name"] == task.repo.removeprefix("starter/")


@EACH_TASK
def test_both_patches_apply_to_the_base_commit_in_either_order(task: Instance, checkouts: Path, tmp_path: Path) -> None:
    apply(checkout(task.repo, checkouts), task.patch, "--check")
    apply(checkout(task.repo, checkouts), task.test_patch, "--check")
    tests_last = patched(task, checkouts, tmp_path / "tests_last", task.patch, task.test_patch)
    tests_first = patched(task, checkouts, tmp_path / "tests_first", task.test_patch, task.patch)
    assert source_files(tests_last) == source_files(tests_first)


@EACH_TASK
def test_solutions_are_small_and_touch_no_tests(task: Instance) -> None:
    package = task.repo.removeprefix("starter/")
    assert all(path.startswith(f"{package}/") for path in re.findall(r"^\+\+\+ b/(.+)$", task.patch, re.MULTILINE))
    assert all(path.startswith("tests/") for path in re.findall(r"^\+\+\+ b/(.+)$", task.test_patch, re.MULTILINE))
    assert 1 <= len(re.findall(r"^\+(?!\+\+)", task.patch, re.MULTILINE)) <= 6


@EACH_TASK
def test_the_issue_does_not_give_the_solution_away(task: Instance) -> None:
    public = task.problem_statement + task.hints_text
    added = [line.strip() for line in re.findall(r"^\+(?!\+\+)(.+)$", task.patch, re.MULTILINE)]
    assert all(line not in public for line in added)


@EACH_TASK
def test_the_context_is_short_and_has_the_changed_file(task: Instance, checkouts: Path) -> None:
    sources = source_files(checkout(task.repo, checkouts))
    (changed,) = re.findall(r"^\+\+\+ b/(.+)$", task.patch, re.MULTILINE)
    assert len(sources[changed].splitlines()) <= 45
    assert sum(map(len, sources.values())) < 3_000


@EACH_TASK
def test_fail_to_pass_needs_the_solution(task: Instance, checkouts: Path, tmp_path: Path) -> None:
    running_before = start_tests(patched(task, checkouts, tmp_path / "before", task.test_patch))
    running_after = start_tests(patched(task, checkouts, tmp_path / "after", task.test_patch, task.patch))
    before, after = outcomes(running_before), outcomes(running_after)
    assert task.tests_to_fix
    assert task.tests_to_keep
    assert before == dict.fromkeys(task.tests_to_fix, "FAILED") | dict.fromkeys(task.tests_to_keep, "PASSED")
    assert after == dict.fromkeys([*task.tests_to_fix, *task.tests_to_keep], "PASSED")


@pytest.mark.parametrize(("instance_id", "line", "thought"), FIRST_THOUGHTS)
def test_the_obvious_fix_does_not_solve_a_two_step_task(
    checkouts: Path, tmp_path: Path, instance_id: str, line: str, thought: str
) -> None:
    task = find(TASKS, instance_id)
    folder = patched(task, checkouts, tmp_path / "wrong", task.test_patch)
    (changed,) = re.findall(r"^\+\+\+ b/(.+)$", task.patch, re.MULTILINE)
    code = (folder / changed).read_text()
    assert code.count(line) == 1
    (folder / changed).write_text(code.replace(line, thought))
    assert "FAILED" in outcomes(start_tests(folder)).values()
