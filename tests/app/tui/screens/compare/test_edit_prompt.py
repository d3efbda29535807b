"""The dialog that edits the prompt, and the request that is then sent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.widgets import TextArea

from swebench_tui.bench import datasets
from swebench_tui.bench.instance import Instance
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from tests.app.tui.pilot import (
    all_settled,
    column,
    compare_screen,
    pick_dataset,
    running,
    shown,
    task_bar,
    top_screen,
    wait_until,
)
from tests.fault_server import FaultServer, Script

ONE = ("compatible:m",)


def user_prompt(body: dict[str, object]) -> object:
    messages = body["messages"]
    assert isinstance(messages, list)
    return messages[-1]["content"]


async def test_an_edited_prompt_is_sent_and_its_patch_still_checked() -> None:
    async with FaultServer(Script("No patch.")) as server, running(*ONE, server=server) as pilot:
        await pilot.press("e")
        editor = await top_screen(pilot, EditPromptScreen)
        editor.query_one(TextArea).text = "Just say hello.\n\tNaïve 修复"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "edited prompt" in task_bar(pilot), what="the context in the bar")
        assert datasets.load("starter").instances[0].instance_id in task_bar(pilot)
        await pilot.press("enter")
        await all_settled(pilot)
        assert user_prompt(server.chats[0].json) == "Just say hello.\n\tNaïve 修复"
        assert "✗ no patch" in shown(column(pilot))


async def test_typing_goes_into_the_prompt() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("e")
        editor = await top_screen(pilot, EditPromptScreen)
        await pilot.press("H", "i", "exclamation_mark", "ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the editor closed")
        task_prompt = compare_screen(pilot).task_prompt
        assert task_prompt is not None
        assert task_prompt.prompt.startswith("Hi!")
        assert editor is not pilot.app.screen


async def test_an_unchanged_or_empty_edit_keeps_the_prompt() -> None:
    async with running(*ONE) as pilot:
        before = compare_screen(pilot).task_prompt
        assert before is not None
        for keys in [("escape",), ("x", "escape"), ("ctrl+s",), ("f7", "delete", "ctrl+s")]:
            await pilot.press("e")
            editor = await top_screen(pilot, EditPromptScreen)
            assert editor.query_one(TextArea).text == before.prompt
            await pilot.press(*keys)
            await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the editor closed")
            assert compare_screen(pilot).task_prompt is before
        assert "edited prompt" not in task_bar(pilot)


async def test_escape_sequences_of_a_task_are_symbols_in_the_editor(tmp_path: Path) -> None:
    hostile = Instance(
        repo="acme/rocket",
        instance_id="acme__rocket-1",
        base_commit="0" * 40,
        problem_statement="It \x1b]0;owned\x07 breaks \x9b31m \u202etxt",
    )
    file = tmp_path / "evil.jsonl"
    file.write_bytes(msgspec.json.encode(hostile))
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        await pick_dataset(pilot, file)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "acme__rocket-1" in task_bar(pilot), what="the task")
        await pilot.press("e")
        editor = await top_screen(pilot, EditPromptScreen)
        assert "It ␛]0;owned␇ breaks \ufffd31m \ufffdtxt" in shown(editor)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown(editor))
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the editor closed")
        await pilot.press("enter")
        await all_settled(pilot)
        assert "It \x1b]0;owned\x07 breaks \x9b31m \u202etxt" in str(user_prompt(server.chats[0].json))


async def test_without_a_task_a_custom_prompt_can_be_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder of the checkouts should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    async with FaultServer(Script("Blue light.")) as server, running(*ONE, server=server, loaded=False) as pilot:
        await wait_until(pilot, lambda: "✗ " in task_bar(pilot), what="the error")
        assert "cannot be written" in task_bar(pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Pick a task with i" in shown(pilot.app.screen), what="the hint")
        await pilot.press("e")
        editor = await top_screen(pilot, EditPromptScreen)
        editor.query_one(TextArea).text = "Why is the sky blue?"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Context: prompt only" in task_bar(pilot), what="the prompt")
        await pilot.press("enter")
        await all_settled(pilot)
        assert user_prompt(server.chats[0].json) == "Why is the sky blue?"
        assert "Blue light." in shown(column(pilot))
        assert "patch" not in shown(column(pilot))
