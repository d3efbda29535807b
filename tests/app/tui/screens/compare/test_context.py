"""The dialog of the context: what each model would see, chosen and shown before anything is sent."""

from __future__ import annotations

from textual.widgets import Input, OptionList

from swebench_tui.bench.context import ContextMode
from swebench_tui.tui.screens.compare.context import ContextScreen
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from tests.app.tui.pilot import (
    all_settled,
    column,
    compare_screen,
    paste,
    running,
    shown,
    states,
    task_bar,
    top_screen,
    wait_until,
)
from tests.fault_server import Ending, FaultServer, Script

ONE = ("compatible:m",)
MODES = ("default", "search", "pick", "all", "oracle", "none")


async def test_c_shows_files_tokens_and_price_before_asking() -> None:
    async with FaultServer() as server, running(*ONE, server=server, size=(120, 40)) as pilot:
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        await wait_until(pilot, lambda: "FILES: 2" in shown(dialog), what="the files")
        assert all(f"{mode}: " in shown(dialog) for mode in MODES)
        assert "compatible:m  all source files · ~" in shown(dialog)
        assert "price unknown" in shown(dialog)
        assert "$0" not in shown(dialog)
        assert "tallybox/averages.py  9 lines" in shown(dialog)
        assert "left out: 1 · a test" in shown(dialog)
        assert server.chats == []


async def test_enter_uses_the_highlighted_mode_for_the_prompt() -> None:
    async with FaultServer() as server, running(*ONE, server=server, size=(120, 40)) as pilot:
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        dialog.query_one(OptionList).highlighted = MODES.index("none")
        await wait_until(pilot, lambda: "issue only" in shown(dialog), what="the prompt without files")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Context: issue only" in task_bar(pilot), what="the context in the bar")
        await pilot.press("enter")
        await all_settled(pilot)
        (request,) = server.chats
        assert "tallybox/averages.py" not in request.body.decode()


async def test_oracle_is_labelled_wherever_its_prompt_is_shown() -> None:
    async with FaultServer() as server, running(*ONE, server=server, size=(120, 40)) as pilot:
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        dialog.query_one(OptionList).highlighted = MODES.index("oracle")
        await wait_until(pilot, lambda: "compatible:m  oracle: 1 file" in shown(dialog), what="the label")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Context: oracle: 1 file" in task_bar(pilot), what="the label in the bar")
        await pilot.press("enter")
        await all_settled(pilot)
        assert "Context: oracle: 1 file" in task_bar(pilot)
        prompt = column(pilot).prompt
        assert prompt is not None
        assert prompt.mode == ContextMode.ORACLE


async def test_a_budget_leaves_files_out() -> None:
    async with FaultServer() as server, running(*ONE, server=server, size=(120, 40)) as pilot:
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        await wait_until(pilot, lambda: "FILES: 2" in shown(dialog), what="all files")
        dialog.query_one(Input).focus()
        await paste(pilot, "60")
        await wait_until(pilot, lambda: "over budget" in shown(dialog), what="a file that is left out")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog closed")
        await wait_until(pilot, lambda: "all source files" not in task_bar(pilot), what="fewer files")


async def test_escape_changes_nothing() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        before = compare_screen(pilot).task_prompt
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        dialog.query_one(OptionList).highlighted = MODES.index("none")
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog closed")
        assert compare_screen(pilot).task_prompt is before


async def test_pick_calls_the_model_for_files_first() -> None:
    async with (
        FaultServer(Script("tallybox/averages.py")) as server,
        running(*ONE, server=server, size=(120, 40)) as pilot,
    ):
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        dialog.query_one(OptionList).highlighted = MODES.index("pick")
        await wait_until(pilot, lambda: "pick: the call for files" in shown(dialog), what="the first call")
        assert server.chats == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog closed")
        await pilot.press("enter")
        await server.received_chats(2)
        await all_settled(pilot)
        assert "Context: pick: 1 file" in task_bar(pilot)


async def test_escape_stops_the_call_for_files() -> None:
    stalled = Script(("tally", "box"), ending=Ending.STALL)
    async with FaultServer(stalled) as server, running(*ONE, server=server) as pilot:
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        dialog.query_one(OptionList).highlighted = MODES.index("pick")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog closed")
        await pilot.press("enter")
        (request,) = await server.received_chats(1)
        await pilot.press("escape")
        await request.client_gone(within=2)
        await wait_until(pilot, lambda: not column(pilot).starting, what="nothing starting")
        assert states(pilot) == ["-"]
        assert len(server.chats) == 1


async def test_a_prompt_of_no_task_has_no_context() -> None:
    async with running(*ONE) as pilot:
        compare_screen(pilot)._task_prompt = None
        await pilot.press("e")
        editor = await top_screen(pilot, EditPromptScreen)
        await paste(pilot, "Why is the sky blue?")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: pilot.app.screen is not editor, what="the editor closed")
        await pilot.press("c")
        await pilot.pause()
        assert pilot.app.screen is compare_screen(pilot)
