"""Task prompts: of a dataset's task, or written by the user."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench import datasets
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories import bundled
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from swebench_tui.bench.task import TaskPrompt, custom_prompt, edited_prompt
from tests.app.task_prompts import task_prompt

STARTER = datasets.load("starter").instances
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "swebench_sample.jsonl"
REAL_TASKS = datasets.load(str(SHARED)).instances if SHARED.is_file() else ()
SECRETS = "patch", "test_patch", "hints_text"

EACH_STARTER_TASK = pytest.mark.parametrize("task", STARTER, ids=lambda task: task.instance_id)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repositories")


def added_lines(patch: str) -> set[str]:
    """Lines that a patch adds, without those that any file could contain."""
    added = {line[1:].strip() for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++")}
    return {line for line in added if len(line) > 12}


def _verdict(prompt: TaskPrompt, answer: str) -> PatchVerdict:
    return judge(answer, snapshot=prompt.snapshot, finish_reason="stop")


# Custom prompts.


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Why?", "Why?"),
        ("\n  \n  First line.  \nSecond.", "First line."),
        ("", "(empty prompt)"),
        (" \r\n ", "(empty prompt)"),
    ],
)
def test_a_prompts_title_is_its_first_line_with_text(text: str, title: str) -> None:
    prompt = custom_prompt(text)
    assert (prompt.title, prompt.prompt) == (title, text)


def test_a_prompt_is_sent_unchanged_and_wants_no_patch() -> None:
    prompt = custom_prompt("Why?\r\n")
    request = prompt.request(max_tokens=16)
    assert (request.prompt, request.system_message, request.max_tokens) == ("Why?\r\n", None, 16)
    assert (prompt.expects_patch, prompt.context) == (False, "prompt only")


def test_an_edited_prompt_claims_no_context(tmp_path: Path) -> None:
    task = task_prompt(STARTER[0], tmp_path)
    edited = edited_prompt(task, "Just fix it.")
    assert (edited.prompt, edited.system, edited.instance, edited.snapshot) == (
        *("Just fix it.", task.system, task.instance, task.snapshot),
    )
    assert (edited.context, edited.mode, edited.shown, edited.tokens, edited.notes) == (
        "edited prompt",
        "",
        None,
        None,
        (),
    )
    assert edited.hash != task.hash


# Starter tasks.


@EACH_STARTER_TASK
def test_a_starter_task_has_sources_and_a_checkout(task: Instance, repositories: Path) -> None:
    prompt = task_prompt(task, repositories)
    assert isinstance(prompt.snapshot, FolderSnapshot)
    assert (prompt.snapshot.folder / "pyproject.toml").is_file()
    assert prompt.title == f"{task.instance_id}  {task.title}"
    assert (prompt.context, prompt.expects_patch) == ("all source files", True)
    for file in prompt.snapshot.folder.glob("*/*.py"):
        if file.parent.name != "tests":
            assert file.read_text().rstrip("\n") in prompt.prompt


@EACH_STARTER_TASK
def test_starter_prompts_leak_no_solution_tests_or_hints(task: Instance, repositories: Path) -> None:
    request = task_prompt(task, repositories).request(max_tokens=None)
    sent = msgspec.json.encode(request).decode()
    given = task.problem_statement + "".join(path.read_text() for path in _sources(task, repositories))
    for name in SECRETS:
        secret = str(getattr(task, name))
        assert not secret or secret not in request.prompt
        leaked = {line for line in added_lines(secret) if line in request.prompt and line not in given}
        assert leaked == set()
    assert "FAIL_TO_PASS" not in sent
    assert not any(test in request.prompt for test in task.tests_to_fix)


def _sources(task: Instance, repositories: Path) -> list[Path]:
    folder = bundled.checkout(task.repo, repositories)
    return [path for path in folder.rglob("*.py") if "tests" not in path.parts]


@EACH_STARTER_TASK
def test_the_gold_patch_of_a_starter_task_applies(task: Instance, repositories: Path) -> None:
    prompt = task_prompt(task, repositories)
    verdict = _verdict(prompt, f"```diff\n{task.patch}```")
    files = {line.removeprefix("+++ b/") for line in task.patch.splitlines() if line.startswith("+++ ")}
    assert (verdict.status, set(verdict.files)) == ("applies", files)


# Tasks of other datasets.


def foreign(**changes: object) -> Instance:
    task = Instance(
        repo="acme/rocket",
        instance_id="acme__rocket-1",
        base_commit="0" * 40,
        problem_statement="It does not fly.\r\nLine two.\rLine three.\n",
        patch="+the fix that grades the answer",
        test_patch="+the test that grades the answer",
        hints_text="Look at the fuel pump, says a comment from later.",
    )
    return msgspec.structs.replace(task, **changes)


def test_a_foreign_task_has_the_issue_alone_and_no_check(tmp_path: Path) -> None:
    prompt = task_prompt(foreign(), tmp_path)
    assert (prompt.snapshot, prompt.context) == (None, "issue only")
    verdict = _verdict(prompt, "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n")
    assert verdict.status == "unchecked"


def test_a_borrowed_repository_name_gets_no_checkout(tmp_path: Path) -> None:
    prompt = task_prompt(foreign(repo=STARTER[0].repo), tmp_path)
    assert (prompt.snapshot, prompt.context) == (None, "issue only")
    assert "<file" not in prompt.prompt


def test_a_repository_named_like_a_path_is_none_of_ours(tmp_path: Path) -> None:
    prompt = task_prompt(foreign(repo="../../etc"), tmp_path / "repositories")
    assert (prompt.snapshot, list(tmp_path.iterdir())) == (None, [])


def test_line_ends_of_an_issue_become_line_feeds(tmp_path: Path) -> None:
    prompt = task_prompt(foreign(), tmp_path).prompt
    assert "It does not fly.\nLine two.\nLine three.\n" in prompt
    assert "\r" not in prompt


def test_foreign_prompts_leak_no_solution_tests_or_hints(tmp_path: Path) -> None:
    sent = msgspec.json.encode(task_prompt(foreign(), tmp_path).request(max_tokens=None)).decode()
    assert "grades the answer" not in sent
    assert "fuel pump" not in sent


@pytest.mark.shared_data
@pytest.mark.parametrize("task", REAL_TASKS, ids=lambda task: task.instance_id)
def test_real_prompts_leak_no_solution_tests_or_hints(task: Instance, tmp_path: Path) -> None:
    prompt = task_prompt(task, tmp_path).prompt
    issue = "\n".join(line.strip() for line in task.problem_statement.splitlines())
    for name in SECRETS:
        secret = str(getattr(task, name))
        lines = added_lines(secret) if name != "hints_text" else {line.strip() for line in secret.splitlines()}
        leaked = {line for line in lines if len(line) > 12 and line in prompt and line not in issue}
        assert leaked == set()
