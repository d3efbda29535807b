"""The list of tasks: search, columns and their widths."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from swebench_tui.bench.instance import Instance
from swebench_tui.tui.screens.compare.task_list import SearchableTasks, _columns, _row


def task(number: int, **columns: str) -> Instance:
    return Instance(
        repo=columns.get("repo", "acme/rocket"),
        instance_id=columns.get("instance_id", f"acme__rocket-{number}"),
        base_commit="0" * 40,
        problem_statement=columns.get("title", "It breaks"),
        version=columns.get("version", ""),
        difficulty=columns.get("difficulty", ""),
    )


@pytest.mark.parametrize("query", ["ROCKET-2 land", "acme/rocket land", "3.1", "15 min", "land rocket"])
def test_every_word_may_be_in_any_column(query: str) -> None:
    tasks = SearchableTasks(
        [task(1), task(2, title="It does not land", version="3.1", difficulty="<15 min fix"), task(3)]
    )
    assert [found.instance_id for found in tasks.matching(query)] == ["acme__rocket-2"]


def test_an_empty_search_finds_all_in_their_order() -> None:
    assert len(SearchableTasks([task(1), task(2)]).matching("  ")) == 2


def test_a_column_without_a_value_is_not_shown() -> None:
    assert list(_columns([task(1)], 100)) == ["TASK", "REPOSITORY"]
    assert list(_columns([task(1), task(2, difficulty="1-4 hours")], 100)) == ["TASK", "REPOSITORY", "DIFFICULTY"]


def test_a_narrow_list_drops_repository_before_difficulty() -> None:
    tasks = [task(1, difficulty="1-4 hours")]
    widths = {width: list(_columns(tasks, width)) for width in (80, 50, 30)}
    assert widths == {80: ["TASK", "REPOSITORY", "DIFFICULTY"], 50: ["TASK", "DIFFICULTY"], 30: ["TASK"]}


@pytest.mark.parametrize("name", ["a" * 300 + "-17", "修复" * 40 + "-17", "x\x1b[2J-17"])
def test_a_long_id_keeps_its_end_and_its_width(name: str) -> None:
    tasks = [task(1, instance_id=name)]
    columns = _columns(tasks, 120)
    row = _row(tasks[0], columns).plain
    id_cells = row[: row.index("acme/rocket")]
    assert cell_len(id_cells) == columns["TASK"] + 2
    assert "17" in id_cells
    assert "\x1b" not in row
