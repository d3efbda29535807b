from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.datasets import DatasetError, Selection, find, load, select
from swebench_tui.bench.datasets.selection import parse_slice, read_ids
from swebench_tui.bench.instance import Instance

REPOS = ("django/django", "sympy/sympy", "other/sympy")
DIFFICULTIES = ("", "<15 min fix", "1-4 hours")


def task(number: int, *, repo: str = "django/django", version: str = "3.2", difficulty: str = "") -> Instance:
    owner, _, name = repo.partition("/")
    return Instance(
        repo=repo,
        instance_id=f"{owner}__{name}-{number}",
        base_commit="c0ffee",
        problem_statement="It fails.",
        version=version,
        difficulty=difficulty,
    )


TASKS = [
    task(1),
    task(2, version="4.0", difficulty="1-4 hours"),
    task(3, repo="sympy/sympy", version="1.6"),
    task(4, repo="other/sympy", version="1.6", difficulty="<15 min fix"),
    task(5),
]

some_tasks = st.lists(
    st.builds(
        task,
        st.integers(0, 10**6),
        repo=st.sampled_from(REPOS),
        version=st.sampled_from(["1.0", "2.0"]),
        difficulty=st.sampled_from(DIFFICULTIES),
    ),
    max_size=30,
    unique_by=lambda instance: instance.instance_id,
)
bounds = st.none() | st.integers(-40, 40)
selections = st.builds(
    Selection,
    pattern=st.none() | st.sampled_from(["", "django", "1", "^sympy__", "[02468]$"]),
    start=bounds,
    stop=bounds,
    sample=st.none() | st.integers(1, 40),
    seed=st.integers(),
    count=st.none() | st.integers(1, 40),
)


def numbers(**filters: object) -> list[int]:
    """The numbers of the tasks that are left of `TASKS`."""
    selection = msgspec.convert(filters, Selection)
    return [int(instance.instance_id.rpartition("-")[2]) for instance in select(TASKS, selection)]


def test_without_a_filter_every_task_is_selected() -> None:
    assert select(TASKS, Selection()) == TASKS
    assert Selection(seed=7).selects_all
    assert not Selection(count=1).selects_all


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"ids": ["django__django-5", "django__django-1"]}, [1, 5]),
        ({"pattern": "sympy"}, [3, 4]),
        ({"pattern": "-[12]$"}, [1, 2]),
        ({"repos": ["django/django"]}, [1, 2, 5]),
        ({"repos": ["sympy"]}, [3, 4]),
        ({"repos": ["other/sympy", "django"]}, [1, 2, 4, 5]),
        ({"versions": ["1.6", "4.0"]}, [2, 3, 4]),
        ({"difficulties": ["1-4 hours"]}, [2]),
        ({"start": 1, "stop": 3}, [2, 3]),
        ({"start": -2}, [4, 5]),
        ({"count": 2}, [1, 2]),
        ({"count": 99}, [1, 2, 3, 4, 5]),
    ],
)
def test_each_filter_leaves_its_tasks_in_their_order(filters: dict[str, object], left: list[int]) -> None:
    assert numbers(**filters) == left


def test_filters_apply_in_the_order_of_the_fields() -> None:
    assert numbers(repos=["django"], start=1, count=1) == [2]
    assert numbers(pattern="sympy", versions=["1.6"], start=1) == [4]
    drawn = numbers(sample=3)
    assert numbers(sample=3, count=2) == drawn[:2]
    assert numbers(start=0, stop=2, sample=2) == [1, 2]


@given(tasks=some_tasks, selection=selections)
def test_a_selection_is_a_subsequence_or_an_error(tasks: list[Instance], selection: Selection) -> None:
    try:
        left = select(tasks, selection)
    except DatasetError as error:
        assert str(error).startswith("the selection leaves no task: ")  # noqa: PT017 - one of two outcomes
        return
    remaining = iter(tasks)
    assert all(instance in remaining for instance in left)
    assert select(tasks, selection) == left
    assert len(left) <= min(value for value in (selection.sample, selection.count, len(tasks)) if value is not None)


@given(tasks=some_tasks.filter(bool), seed=st.integers(), size=st.integers(1, 30))
def test_a_sample_grows_without_losing_tasks(tasks: list[Instance], seed: int, size: int) -> None:
    small = select(tasks, Selection(sample=size, seed=seed))
    large = select(tasks, Selection(sample=size + 1, seed=seed))
    assert len(small) == min(size, len(tasks))
    assert [instance for instance in large if instance in small] == small


@given(tasks=some_tasks.filter(bool), seed=st.integers(), size=st.integers(1, 30), shuffled=st.randoms())
def test_a_sample_does_not_depend_on_the_order(tasks: list[Instance], seed: int, size: int, shuffled: object) -> None:
    other = list(tasks)
    shuffled.shuffle(other)  # type: ignore[attr-defined]  # hypothesis types randoms() as object
    chosen = [select(order, Selection(sample=size, seed=seed)) for order in (tasks, other)]
    assert {instance.instance_id for instance in chosen[0]} == {instance.instance_id for instance in chosen[1]}


def test_a_sample_is_the_same_in_every_process() -> None:
    ids = [f"a__a-{number}" for number in range(100)]
    script = (
        "from swebench_tui.bench.datasets import Selection, select\n"
        "from swebench_tui.bench.instance import Instance\n"
        f"tasks = [Instance(repo='a/a', instance_id=i, base_commit='', problem_statement='') for i in {ids}]\n"
        "print(*(task.instance_id for task in select(tasks, Selection(sample=5, seed=42))))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": n}, capture_output=True, check=True
        ).stdout
        for n in ("1", "2")
    }
    assert printed == {b"a__a-29 a__a-40 a__a-45 a__a-65 a__a-75\n"}


def test_seeds_draw_different_samples() -> None:
    tasks = [task(number) for number in range(100)]
    assert select(tasks, Selection(sample=5)) != select(tasks, Selection(sample=5, seed=1))


@pytest.mark.parametrize(
    ("filters", "complaint", "hint"),
    [
        ({"ids": ["django__django-6"]}, "no task 'django__django-6'", "Did you mean django__django-"),
        ({"ids": ["django__django-1", "x", "y"]}, "no task 'x', 'y'", "It has: "),
        ({"ids": [str(number) for number in range(99)]}, "'11' and 87 more", ""),
        ({"repos": ["djnago"]}, "no repository 'djnago'", "It has: django/django, sympy/sympy, other/sympy."),
        ({"repos": ["django/djnago"]}, "no repository 'django/djnago'", "Did you mean django/django?"),
        ({"versions": ["1.7"]}, "no version '1.7'", "Did you mean 1.6?"),
        ({"difficulties": ["1 - 4 hours"]}, "no difficulty '1 - 4 hours'", "Did you mean 1-4 hours?"),
        ({"pattern": "("}, r"'\(' is not a regular expression: ", "Escape"),
        (
            {"repos": ["sympy"], "difficulties": ["1-4 hours"], "count": 3},
            "no task: 5 in the dataset, 2 after repository, 0 after difficulty, 0 after count",
            "widen",
        ),
        ({"start": 9}, "5 in the dataset, 0 after slice", "widen"),
    ],
)
def test_a_selection_that_fails_says_why(filters: dict[str, object], complaint: str, hint: str) -> None:
    with pytest.raises(DatasetError, match=complaint) as caught:
        numbers(**filters)
    assert hint in caught.value.hint


def test_a_filter_on_a_column_without_values_says_so() -> None:
    with pytest.raises(DatasetError) as caught:
        select(load("starter").instances, Selection(difficulties=("1-4 hours",)))
    assert caught.value.hint == "No task of the dataset names its difficulty."


def test_a_task_is_found_by_its_id() -> None:
    starter = load("starter").instances
    assert find(starter, starter[3].instance_id) is starter[3]


def test_a_misspelled_id_gets_the_nearest_ones() -> None:
    with pytest.raises(DatasetError, match="the dataset has no task 'calspan-1'") as caught:
        find(load("starter").instances, "calspan-1")
    assert "Did you mean starter__calspan-1" in caught.value.hint


# Ids of a file.


def test_ids_of_a_file_are_its_lines_without_comments(tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("\ufeff# failed twice\n a__a-1 \n\na__a-2  # flaky\r\na__a-1\n", "utf-8")
    assert read_ids(file) == ("a__a-1", "a__a-2")


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"\n# none\n", "has no instance id"), (b"\xff\xfe", "is not UTF-8 text")]
)
def test_a_file_without_ids_is_an_error(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "ids.txt").write_bytes(content)
    with pytest.raises(DatasetError, match=complaint):
        read_ids(tmp_path / "ids.txt")


# Slices.


@given(start=bounds, stop=bounds)
def test_slices_are_read_as_python_writes_them(start: int | None, stop: int | None) -> None:
    text = f"{'' if start is None else start}:{'' if stop is None else stop}"
    if text == ":":
        return
    assert parse_slice(text) == (start, stop)


@pytest.mark.parametrize("text", ["", ":", "3", "1:2:3", "a:b", "1.0:2", "--1:2", "\uff11:\uff12", "9" * 5000 + ":"])
def test_other_texts_are_no_slices(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("is not a slice such as 10:20")):
        parse_slice(text)
