"""The Compare screen as its user sees it: keys, columns, and the text on the terminal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from textual.pilot import Pilot

from swebench_providers import TokenUsage, UsageUpdate
from swebench_tui.bench import datasets
from swebench_tui.settings.definitions import MAX_COLUMNS
from swebench_tui.tui.screens.compare.add_model import AddModelScreen
from tests.app.scripted import Gate, ScriptedProvider, finished, registry_of, text
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

TWO = "compatible:left", "compatible:right"
STALLED = Script(("first ", "second"), ending=Ending.STALL)
ENDLESS = Script(("more\n",), ending=Ending.ENDLESS, tokens_per_second=20)


def focused(pilot: Pilot[None]) -> int:
    """Which column has the focus."""
    screen = compare_screen(pilot)
    assert screen.focused_column is not None
    return screen.columns.index(screen.focused_column)


# Opening.


async def test_it_opens_with_two_embedded_columns_and_a_starter_task() -> None:
    async with running() as pilot:
        first = datasets.load("starter").instances[0]
        assert first.instance_id in task_bar(pilot)
        assert first.title in task_bar(pilot)
        assert "Context: all source files" in task_bar(pilot)
        titles = [str(view.border_title) for view in compare_screen(pilot).columns]
        assert titles == ["embedded · smollm2 · t 0", "embedded · smollm2 · t 0.8"]
        assert states(pilot) == ["-", "-"]
        assert "waiting  ⏎ run" in shown(column(pilot))
        assert focused(pilot) == 0


async def test_the_footer_has_room_for_every_key_that_works() -> None:
    idle = ("⏎ run", "i task", "c context", "e prompt", "a add", "r rerun", "z zoom", "y copy")
    async with running(*TWO, size=(200, 60)) as pilot:
        for size in [(200, 60), (120, 40), (80, 24)]:
            await pilot.resize_terminal(*size)
            await wait_until(pilot, lambda: "? help" in shown(pilot.app.screen), what="the last of the keys")
            footer = shown(pilot.app.screen).splitlines()[-1]
            assert all(label in footer for label in idle)
            assert "stop" not in footer
    async with FaultServer(STALLED) as server, running(*TWO, server=server, size=(80, 24)) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "esc stop all" in shown(pilot.app.screen), what="the key that stops all")
        footer = shown(pilot.app.screen).splitlines()[-1]
        labels = [label for label in (*idle, "x stop", "esc stop all", "? help") if label != "r rerun"]
        assert all(label in footer for label in labels)


# Running.


async def test_enter_runs_all_columns_and_shows_their_answers() -> None:
    async with FaultServer(by_model={"left": Script("The left one."), "right": Script("The right one.")}) as server:
        async with running(*TWO, server=server) as pilot:
            await pilot.press("enter")
            await all_settled(pilot)
            assert states(pilot) == ["done", "done"]
            assert "The left one." in shown(column(pilot, 0))
            assert "The right one." in shown(column(pilot, 1))
            assert all("✓ done" in shown(view) for view in compare_screen(pilot).columns)
        assert {request.json["model"] for request in server.chats} == {"left", "right"}


async def test_figures_are_estimates_while_streaming_and_exact_at_the_end() -> None:
    gate = Gate()
    usage = UsageUpdate(TokenUsage(completion_tokens=1234), 9.0)
    provider = ScriptedProvider(
        text("a", 1.0), text("b", 2.0), gate, usage, finished(time=10.0), cost=Decimal("0.0121")
    )
    async with running("acme:m", registry=registry_of(acme=provider), now=lambda: 0.5) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "● streaming" in shown(column(pilot)), what="streaming")
        assert "ttft 0.50s  ~1 tok/s  ~2 tok  $–" in shown(column(pilot))
        gate.open()
        await all_settled(pilot)
        assert "✓ done  9.50s" in shown(column(pilot))
        assert "ttft 0.50s  1233 tok/s  1,234 tok  $0.0121" in shown(column(pilot))


async def test_enter_leaves_running_columns_alone() -> None:
    scripts = {"left": STALLED, "right": Script("quick")}
    async with FaultServer(by_model=scripts) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming", "done"], what="one done, one streaming")
        await wait_until(pilot, lambda: column(pilot, 1).settled, what="the right column settled")
        await pilot.press("enter")
        await server.received_chats(3)
        await wait_until(pilot, lambda: states(pilot) == ["streaming", "done"], what="the right column again")
        assert sorted(str(request.json["model"]) for request in server.chats) == ["left", "right", "right"]


# Stopping.


async def test_x_stops_the_focused_column_and_no_other() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("tab", "x")
        await wait_until(pilot, lambda: states(pilot) == ["streaming", "cancelled"], what="the right one cancelled")
        left, right = sorted(server.chats, key=lambda request: str(request.json["model"]))
        await right.client_gone(within=2)
        assert left.closed_by_client_at is None
        await wait_until(pilot, lambda: "■ cancelled" in shown(column(pilot, 1)), what="the status in its column")
        assert "first second" in shown(column(pilot, 1))
        assert "● streaming" in shown(column(pilot, 0))


async def test_escape_stops_all_columns() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("escape")
        await all_settled(pilot)
        assert states(pilot) == ["cancelled"] * 2
        await server.all_closed(within=2)


async def test_stopping_an_idle_column_changes_nothing() -> None:
    async with FaultServer(Script("done")) as server, running(*TWO, server=server) as pilot:
        await pilot.press("x", "escape")
        assert states(pilot) == ["-", "-"]
        await pilot.press("enter")
        await all_settled(pilot)
        await pilot.press("x", "escape")
        await pilot.pause()
        assert states(pilot) == ["done", "done"]


async def test_enter_and_escape_at_once_leave_no_column_running() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        for _ in range(3):
            await pilot.press("enter", "escape")
        await all_settled(pilot)
        assert states(pilot) == ["cancelled"] * 2


async def test_leaving_the_app_closes_every_connection() -> None:
    async with FaultServer(STALLED) as server:
        async with running(*TWO, server=server) as pilot:
            await pilot.press("enter")
            await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await server.all_closed(within=2)


# Rerunning.


async def test_r_reruns_the_focused_column_and_drops_the_old_answer() -> None:
    async with FaultServer() as server, running(*TWO, server=server) as pilot:
        server.enqueue(Script("old"), Script("other"), Script("new"))
        await pilot.press("enter")
        await all_settled(pilot)
        before = column(pilot, 1).answer
        await pilot.press("shift+tab", "tab", "r")
        await server.received_chats(3)
        await all_settled(pilot)
        assert focused(pilot) == 0
        assert column(pilot, 0).answer == "new"
        assert column(pilot, 1).answer == before


async def test_r_does_nothing_while_the_column_runs() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        running_column = column(pilot).column
        await pilot.press("r")
        await pilot.pause()
        assert column(pilot).column is running_column
        assert len(server.chats) == 2


async def test_a_rerun_column_drops_its_error() -> None:
    async with FaultServer() as server, running("compatible:m", server=server) as pilot:
        server.enqueue(Script(status=401, error_message="no room at all"), Script("better"))
        await pilot.press("enter")
        await all_settled(pilot)
        assert "no room at all" in shown(column(pilot))
        await pilot.press("r")
        await server.received_chats(2)
        await all_settled(pilot)
        assert "no room at all" not in shown(column(pilot))
        assert "better" in shown(column(pilot))


# Columns.


async def test_a_model_can_be_added_while_the_others_stream() -> None:
    async with (
        FaultServer(ENDLESS, by_model={"third": Script("New.")}) as server,
        running(*TWO, server=server) as pilot,
    ):
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("a")
        await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:third")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 3, what="a third column")
        assert focused(pilot) == 2
        await pilot.press("r")
        await wait_until(pilot, lambda: column(pilot, 2).settled and states(pilot)[2] == "done", what="its answer")
        assert states(pilot) == ["streaming", "streaming", "done"]
        assert "New." in shown(column(pilot, 2))


async def test_four_columns_is_the_maximum_and_a_warning_says_so() -> None:
    targets = [f"compatible:m{n}" for n in range(MAX_COLUMNS)]
    async with running(*targets, size=(170, 40)) as pilot:
        await pilot.press("a")
        await wait_until(pilot, lambda: "4 columns is the maximum" in shown(pilot.app.screen), what="the warning")
        assert len(compare_screen(pilot).columns) == MAX_COLUMNS
        assert not isinstance(pilot.app.screen, AddModelScreen)


async def test_delete_stops_and_removes_the_focused_column() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("delete")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 1, what="one column left")
        left, right = sorted(server.chats, key=lambda request: str(request.json["model"]))
        await left.client_gone(within=2)
        assert right.closed_by_client_at is None
        assert (column(pilot).target.model, states(pilot), focused(pilot)) == ("right", ["streaming"], 0)


async def test_a_column_can_be_removed_during_a_frame() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        screen = compare_screen(pilot)
        view = screen.columns[0]
        screen.action_remove_column()
        while view.is_attached:
            screen._draw()
            assert "".join(screen.private_texts)
            await asyncio.sleep(0)


async def test_the_last_column_stays() -> None:
    async with running("compatible:only") as pilot:
        await pilot.press("delete")
        await wait_until(pilot, lambda: "column cannot be removed" in shown(pilot.app.screen), what="the warning")
        assert len(compare_screen(pilot).columns) == 1


async def test_tab_goes_through_the_columns_in_their_order_and_round() -> None:
    async with running("compatible:a", "compatible:b", "compatible:c", size=(130, 30)) as pilot:
        visited = [focused(pilot)]
        for _ in range(3):
            await pilot.press("tab")
            visited.append(focused(pilot))
        await pilot.press("shift+tab")
        assert [*visited, focused(pilot)] == [0, 1, 2, 0, 2]


async def test_columns_share_the_width_or_scroll_sideways() -> None:
    async with running("compatible:a", "compatible:b", "compatible:c", size=(116, 30)) as pilot:
        assert [view.size.width for view in compare_screen(pilot).columns] == [36, 36, 36]
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "compatible · c" not in shown(pilot.app.screen), what="room for two columns")
        assert "compatible · b" in shown(pilot.app.screen)
        await pilot.press("tab", "tab")
        await wait_until(pilot, lambda: "compatible · c" in shown(pilot.app.screen), what="the focused column")
        await pilot.press("delete")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="two columns left")
        await wait_until(pilot, lambda: column(pilot).region.width == 40, what="room for both")


# Zoom and copy.


async def test_z_zooms_the_focused_column_and_back() -> None:
    scripts = {"left": Script("LEFT"), "right": Script("RIGHT")}
    async with FaultServer(by_model=scripts) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        await pilot.press("tab", "z")
        await wait_until(pilot, lambda: "LEFT" not in shown(pilot.app.screen), what="the left column hidden")
        assert "RIGHT" in shown(pilot.app.screen)
        assert column(pilot, 1).region.width == pilot.app.size.width
        await pilot.press("z")
        await wait_until(pilot, lambda: "LEFT" in shown(pilot.app.screen), what="both columns back")
        assert "RIGHT" in shown(pilot.app.screen)
        assert focused(pilot) == 1


async def test_a_zoomed_column_still_takes_its_keys() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("z", "x")
        await wait_until(pilot, lambda: states(pilot) == ["cancelled", "streaming"], what="the zoomed one cancelled")
        await pilot.press("delete")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 1, what="one column left")
        assert "right" in shown(pilot.app.screen)
        assert focused(pilot) == 0


async def test_y_copies_the_answer_exactly_as_it_came() -> None:
    answer = "a\x1b[31m[b]x[/b]\r\n\ttab \u202e\u2028end"
    script = Script((answer,), reasoning="not this")
    async with FaultServer(script) as server, running("compatible:m", server=server) as pilot:
        await pilot.press("y")
        await wait_until(pilot, lambda: "no answer to copy" in shown(pilot.app.screen), what="the warning")
        await pilot.press("enter")
        await all_settled(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard == answer
        await wait_until(
            pilot, lambda: f"Copied {len(answer)} characters" in shown(pilot.app.screen), what="the message"
        )


# Help and quitting.


async def test_question_mark_shows_help_and_hides_it() -> None:
    async with running(*TWO) as pilot:
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: "Several models" in shown(pilot.app.screen), what="help for the screen")
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="no help")


async def test_ctrl_c_once_warns_and_leaves_everything_running() -> None:
    async with FaultServer(STALLED) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: "Press ctrl+c again to quit." in shown(pilot.app.screen), what="the warning")
        assert pilot.app.is_running
        assert states(pilot) == ["streaming"] * 2


async def test_ctrl_c_twice_quits() -> None:
    async with running(*TWO) as pilot:
        await pilot.press("ctrl+c", "ctrl+c")
        assert pilot.app.return_code == 0
        assert pilot.app.return_code is not None


async def test_two_ctrl_c_far_apart_only_warn_twice() -> None:
    clock = iter([0.0, 0.0, 100.0, 100.0, 200.0])
    async with running(*TWO, now=lambda: next(clock)) as pilot:
        await pilot.press("ctrl+c", "ctrl+c")
        assert pilot.app.return_code is None


async def test_ctrl_c_works_inside_a_dialog() -> None:
    async with running(*TWO) as pilot:
        await pilot.press("a")
        await top_screen(pilot, AddModelScreen)
        await pilot.press("ctrl+c", "ctrl+c")
        assert pilot.app.return_code is not None


# Under load.


async def test_keys_are_answered_while_columns_stream() -> None:
    async with FaultServer(ENDLESS) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["streaming"] * 2, what="both streaming")
        await pilot.press("tab", "z", "z", "y")
        assert pilot.app.clipboard.startswith("more\nmore\n")
        await pilot.press("a")
        await top_screen(pilot, AddModelScreen)
        length = len(column(pilot).answer)
        await wait_until(pilot, lambda: len(column(pilot).answer) > length, what="text behind the dialog")
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog gone")
        await pilot.press("x")
        await wait_until(pilot, lambda: states(pilot) == ["streaming", "cancelled"], what="the right one cancelled")


async def test_resizing_while_it_streams_loses_nothing() -> None:
    numbered = Script(tuple(f"line {n} of the answer, long enough to be wrapped\n" for n in range(5000)))
    async with FaultServer(replace(numbered, tokens_per_second=20)) as server, running(*TWO, server=server) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "line 3 " in column(pilot).answer, what="some lines")
        for size in [(80, 24), (30, 10), (200, 60), (80, 24), (120, 40)]:
            await pilot.resize_terminal(*size)
            assert states(pilot) == ["streaming", "streaming"]
        await pilot.press("escape")
        await all_settled(pilot)
        for view in compare_screen(pilot).columns:
            lines = view.answer.count("\n")
            assert view.answer == "".join(numbered.text_tokens[:lines])
            assert f"line {lines - 1} of the answer" in shown(view)
            assert "■ cancelled" in shown(view)
