"""Grammars of guided answers: whatever they let through applies to the task's repository, and is another text."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.datasets import starter
from swebench_tui.bench.guided import Guide
from swebench_tui.bench.guided.guide import MOST_PLACES
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import judge, parse_blocks
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.services.guided import prompt_guide
from tests.app.bench.guided.grammars import Grammar
from tests.app.task_prompts import task_prompt

TASKS = {task.instance_id: task for task in starter.load().instances}
DRAWN = 40  # texts for each task that git checks; as many times ten that are only read


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repositories")


def guided(task: Instance, repositories: Path) -> tuple[TaskPrompt, Guide]:
    prompt = task_prompt(task, repositories)
    guide = prompt_guide(prompt)
    assert guide is not None
    return prompt, guide


def changed_file(prompt: TaskPrompt, answer: str) -> str:
    """The file that the block of an answer changes, after the change; it must be another text."""
    assert isinstance(prompt.snapshot, FolderSnapshot)
    (block,) = parse_blocks(answer.split("\n")).blocks
    text = (prompt.snapshot.folder / (block.name or "")).read_text("utf-8")
    search, replace = ("\n".join(lines) + "\n" for lines in (block.search, block.replace))
    assert text.count(search) == 1
    assert search != replace
    return text.replace(search, replace)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_whatever_the_grammar_lets_through_applies(task: Instance, repositories: Path) -> None:
    prompt, guide = guided(task, repositories)
    grammar, rng = Grammar(guide.grammar), random.Random(task.instance_id)
    for _ in range(DRAWN):
        answer = grammar.sample(rng)
        verdict = judge(answer, snapshot=prompt.snapshot, finish_reason="stop")
        assert (verdict.status, verdict.failure, verdict.repairs) == ("applies", None, ()), answer


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_whatever_the_grammar_lets_through_is_a_change_to_python(task: Instance, repositories: Path) -> None:
    prompt, guide = guided(task, repositories)
    grammar, rng = Grammar(guide.grammar), random.Random(task.instance_id)
    for _ in range(DRAWN * 10):
        answer = grammar.sample(rng)
        assert guide.followed_by(answer)
        assert len(answer.encode()) <= guide.longest
        ast.parse(changed_file(prompt, answer))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_many_lines_can_be_changed_and_all_are_drawn(task: Instance, repositories: Path) -> None:
    _, guide = guided(task, repositories)
    grammar, rng = Grammar(guide.grammar), random.Random(1)
    drawn = {grammar.sample(rng).partition("\n=======\n")[0] for _ in range(600)}
    assert drawn == guide.heads
    assert 2 <= len(guide.heads) <= min(MOST_PLACES, guide.lines)


def test_neither_solution_nor_tests_nor_hints_change_a_grammar(repositories: Path) -> None:
    for task in TASKS.values():
        bare = msgspec.structs.replace(
            task, patch="", test_patch="", hints_text="", fail_to_pass="[]", pass_to_pass="[]"
        )
        assert guided(bare, repositories)[1] == guided(task, repositories)[1]
