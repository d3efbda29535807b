"""The dialog that picks a task: search, other datasets, and the list."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList

from swebench_tui import paths
from swebench_tui.bench import datasets
from swebench_tui.bench.instance import Instance
from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen
from swebench_tui.tui.screens.compare.task_list import MAX_ROWS
from tests.app.bench.datasets.stand_in_hub import Fault, StandInHub
from tests.app.tui.pilot import (
    column,
    compare_screen,
    paste,
    pick_dataset,
    running,
    shown,
    task_bar,
    top_screen,
    wait_until,
)

STARTER = datasets.load("starter").instances
ONE = ("compatible:m",)


def written(path: Path, *tasks: Instance) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(task) + b"\n" for task in tasks))
    return path


def task(number: int, title: str = "It breaks") -> Instance:
    return Instance(
        repo="acme/rocket", instance_id=f"acme__rocket-{number}", base_commit="0" * 40, problem_statement=title
    )


async def test_i_opens_it_on_the_current_task() -> None:
    async with running(*ONE) as pilot:
        before = compare_screen(pilot).task_prompt
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        await wait_until(pilot, lambda: f"{len(STARTER)} of {len(STARTER)} tasks" in shown(picker), what="the tasks")
        assert all(each.instance_id in shown(picker) for each in STARTER)
        assert picker.query_one("#search", Input).has_focus
        assert picker.query_one(OptionList).highlighted == 0
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog closed")
        assert compare_screen(pilot).task_prompt is before
        assert column(pilot).has_focus_within


async def test_typing_filters_by_id_and_title_and_enter_picks() -> None:
    wanted = STARTER[-1]
    async with running(*ONE) as pilot:
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        await paste(pilot, f"{wanted.title.split()[0].upper()} {wanted.instance_id[-8:]}")
        await wait_until(pilot, lambda: f"1 of {len(STARTER)} tasks" in shown(picker), what="one task")
        await pilot.press("enter")
        await wait_until(pilot, lambda: wanted.instance_id in task_bar(pilot), what="the task in the bar")
        assert wanted.title in task_bar(pilot)
        assert pilot.app.screen is compare_screen(pilot)


async def test_the_picked_task_is_highlighted_the_next_time() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        await wait_until(pilot, lambda: picker.query_one(OptionList).option_count > 2, what="the tasks")
        await pilot.press("down", "down", "down", "enter")
        await wait_until(pilot, lambda: STARTER[2].instance_id in task_bar(pilot), what="the third task")
        await pilot.press("i")
        again = await top_screen(pilot, PickTaskScreen)
        await wait_until(pilot, lambda: again.query_one(OptionList).option_count > 2, what="the tasks again")
        assert again.query_one(OptionList).highlighted == 2


async def test_a_search_without_a_match_picks_nothing() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        await paste(pilot, "no such task anywhere")
        await wait_until(pilot, lambda: f"0 of {len(STARTER)} tasks" in shown(picker), what="no task")
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen is picker


async def test_an_early_picker_does_not_lose_the_first_task() -> None:
    async with running(*ONE, loaded=False) as pilot:
        pilot.app.screen.action_pick_task()  # type: ignore[attr-defined]
        await top_screen(pilot, PickTaskScreen)
        await pilot.press("escape")
        await wait_until(pilot, lambda: STARTER[0].instance_id in task_bar(pilot), what="the first task")


async def test_an_opened_file_of_tasks_stays_the_dataset(tmp_path: Path) -> None:
    file = written(tmp_path / "mine.jsonl", task(1, "It does not fly"), task(2, "It does not land"))
    async with running(*ONE) as pilot:
        picker = await pick_dataset(pilot, file)
        await wait_until(pilot, lambda: "2 of 2 tasks" in shown(picker), what="the two tasks")
        await paste(pilot, "land")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "acme__rocket-2 It does not land" in task_bar(pilot), what="the task")
        assert "Context: issue only" in task_bar(pilot)
        await pilot.press("i")
        again = await top_screen(pilot, PickTaskScreen)
        await wait_until(pilot, lambda: "2 of 2 tasks" in shown(again), what="the two tasks again")
        assert again.query_one("#dataset", Input).value == str(file)
        assert again.query_one(OptionList).highlighted == 1


async def test_a_missing_file_is_an_error_until_one_is_read(tmp_path: Path) -> None:
    async with running(*ONE) as pilot:
        picker = await pick_dataset(pilot, tmp_path / "no [b]such.jsonl")
        await wait_until(pilot, lambda: "No such file" in shown(picker), what="the error")
        assert "no [b]such.jsonl" in shown(picker).replace("\n", "")
        assert "→ Check the path and its permissions." in shown(picker)
        await pilot.press("shift+tab")
        picker.query_one("#dataset", Input).clear()
        await paste(pilot, "starter")
        await pilot.press("enter", "tab")
        await wait_until(pilot, lambda: "No such file" not in shown(picker), what="the error gone")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="a starter task picked")
        assert STARTER[0].instance_id in task_bar(pilot)


async def test_a_damaged_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(msgspec.json.encode(task(1)) + b'\n{"repo": \n')
    async with running(*ONE) as pilot:
        picker = await pick_dataset(pilot, file)
        await wait_until(pilot, lambda: "bad.jsonl:2:" in shown(picker), what="the line")
        assert "→ " in shown(picker)


async def test_search_finds_tasks_beyond_the_first_rows(tmp_path: Path) -> None:
    file = written(tmp_path / "many.jsonl", *(task(number) for number in range(2000)))
    async with running(*ONE) as pilot:
        picker = await pick_dataset(pilot, file)
        await wait_until(pilot, lambda: f"{MAX_ROWS} of 2000 tasks shown" in shown(picker), what="the first tasks")
        await paste(pilot, "rocket-1999")
        await wait_until(pilot, lambda: "1 of 2000 tasks" in shown(picker), what="the last task")


async def test_a_hostile_title_is_shown_literally(tmp_path: Path) -> None:
    file = written(tmp_path / "evil.jsonl", task(1, "[b]x[/b] \x1b]0;t\x07 \u202etxt [@click=app.quit]y[/]"))
    literally = "[b]x[/b] ␛]0;t␇ \ufffdtxt [@click=app.quit]y[/]"
    async with running(*ONE, size=(160, 40)) as pilot:
        picker = await pick_dataset(pilot, file)
        await wait_until(pilot, lambda: literally in shown(picker), what="the title in the list")
        await pilot.press("enter")
        await wait_until(pilot, lambda: literally in task_bar(pilot), what="the title in the bar")
        assert "\x1b" not in shown(pilot.app.screen)


@pytest.fixture
def broken_cache(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Puts a file where the folder of the checkouts should be."""
    folder, away = paths.repositories(), tmp_path / "away"

    def break_it() -> None:
        folder.rename(away)
        folder.touch()

    yield break_it
    folder.unlink()
    away.rename(folder)


async def test_a_failed_checkout_keeps_the_task_and_shows_why(broken_cache: Callable[[], None]) -> None:
    async with running(*ONE) as pilot:
        before = compare_screen(pilot).task_prompt
        broken_cache()
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        await wait_until(pilot, lambda: picker.query_one(OptionList).option_count > 1, what="the tasks")
        await pilot.press("down", "down", "enter")
        await wait_until(pilot, lambda: "✗ " in task_bar(pilot), what="the error")
        assert "cannot be written" in task_bar(pilot)
        assert compare_screen(pilot).task_prompt is before


async def test_closing_the_dialog_stops_a_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stall = threading.Event()
    with StandInHub({"acme/tasks": {"7" * 40: {"test.jsonl": b"\n" * 3_000_000}}}) as hub:
        hub.faults = [Fault("GET .*jsonl", stall=stall)]
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        async with running(*ONE) as pilot:
            await pick_dataset(pilot, Path("acme/tasks"))
            await wait_until(pilot, hub.body_started.is_set, what="the download", within=60)
            await pilot.press("escape")
            await wait_until(pilot, lambda: not list(tmp_path.rglob("*.incomplete")), what="its end", within=60)
        stall.set()
