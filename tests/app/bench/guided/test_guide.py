"""Grammars of guided answers: whatever they let through applies to the task's repository, and is another text."""

from __future__ import annotations

import ast
import random
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_tui.bench.datasets import starter
from swebench_tui.bench.guided import Guide, make_guide
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


def changed_file(folder: Path, answer: str) -> str:
    """The file that the block of an answer changes, after the change; it must be another text."""
    (block,) = parse_blocks(answer.split("\n")).blocks
    lines = (folder / (block.name or "")).read_text("utf-8").removesuffix("\n").split("\n")
    size = len(block.search)
    (start,) = [start for start in range(len(lines)) if tuple(lines[start : start + size]) == block.search]
    assert block.search != block.replace
    return "\n".join([*lines[:start], *block.replace, *lines[start + size :]])


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
    assert isinstance(prompt.snapshot, FolderSnapshot)
    grammar, rng = Grammar(guide.grammar), random.Random(task.instance_id)
    for _ in range(DRAWN * 10):
        answer = grammar.sample(rng)
        assert guide.followed_by(answer)
        assert len(answer.encode()) <= guide.longest
        ast.parse(changed_file(prompt.snapshot.folder, answer))


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


# Any file

LINES = [
    "x = 1",
    "y = x if x else [x, 'Straße \\\\ \"ΟΔΟΣ\" 日本']",
    "def f(a, b=(1)):\n    return a.b(b)[0] < f(b, *a)",
    "class C(X):\n\ty: int = 3\n\tdef g(self):\n\t\tfor n in self.x:\n\t\t\tdel n[self]",
    "@decorated(True)\nasync def h():\n    '''\n```python\n<<<<<<< SEARCH\n=======\n    '''\n    await f()",
    "if x:\n    pass\nelif not x and (y is None or y):\n    z = {**x, 'a': y}\nelse:\n    raise X(f'{x!r}') from y",
    "w = lambda *a, **k: (yield)",
    "v = [n for n in x for m in n if m not in y]  # comment\t\x0c",
    "match x:\n    case [1, y] if y > 2:\n        print(*x, sep='\\n')",
    "u = '''text\n'''  ; t = -x[1:2, ::3]",
    "with x as (y, z), y.z: assert y, 'm'",
    "q = x and \\\n    y",
    "",
]
FILES = st.lists(st.sampled_from(LINES), min_size=1, max_size=8).map("\n".join)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@settings(max_examples=40, deadline=None)
@given(FILES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.randoms(use_true_random=False))
def test_changes_of_any_python_file_apply_and_are_python(
    checkout: Path, text: str, end: str, ended: bool, rng: random.Random
) -> None:
    text = text.replace("\n", end) + (end if ended else "")
    (checkout / "some.py").write_bytes(text.encode())
    guide = make_guide("x", [("some.py", text)])
    if guide is None:
        return
    grammar = Grammar(guide.grammar)
    for _ in range(4):
        answer = grammar.sample(rng)
        verdict = judge(answer, snapshot=FolderSnapshot(checkout), finish_reason="stop")
        assert verdict.status == "applies", answer
        assert len(answer.encode()) <= guide.longest
        ast.parse(changed_file(checkout, answer))


@pytest.mark.parametrize(
    "file",
    [
        ("a.py", "def f(:\n"),
        ("a.py", "x = 1\ry = x\n"),
        ("a.py", "x = 1\0\n"),
        ("a.py", ""),
        ("a.py", "'''a docstring'''\nimport re\n"),
        ("a b.py", "x = y\n"),
        ("a.py", "x = y\nx = y\n" * 20),
        ("a.py", "x = y  # " + "long " * 40),
        ("README.md", "Not Python at all."),
    ],
)
def test_a_file_that_cannot_be_changed_is_left_out(file: tuple[str, str]) -> None:
    assert make_guide("x y", [file]) is None
    guide = make_guide("x y", [file, ("other.py", "x = y\n")])
    assert guide is not None
    assert guide.heads == {"other.py\n<<<<<<< SEARCH\nx = y"}
    assert guide.note == "guided: one change to one of 1 line of code"
