"""A column on the screen: patch verdict, errors with hints, and hostile text shown literally."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from textual.content import Content

from swebench_providers import (
    AttemptFailed,
    ErrorKind,
    Finished,
    FinishReason,
    ModelPrice,
    Notice,
    ProviderError,
)
from swebench_tui.bench import datasets
from swebench_tui.runs.target import Target
from swebench_tui.tui.answer import AnswerView
from swebench_tui.tui.screens.compare.column_view import ColumnView
from tests.app.scripted import Gate, ScriptedProvider, finished, registry_of, text, thought
from tests.app.tui.pilot import (
    all_settled,
    column,
    compare_screen,
    pick_dataset,
    running,
    shown,
    states,
    task_bar,
    wait_until,
)
from tests.fault_server import Ending, FaultServer, Script, failing, html_page

TASK = datasets.load("starter").instances[0]
UNSAFE = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066"} - {
    "\n"
}


def search_replace(before: str, after: str) -> str:
    path = next(line.removeprefix("+++ b/") for line in TASK.patch.splitlines() if line.startswith("+++ "))
    return f"{path}\n<<<<<<< SEARCH\n{before}=======\n{after}>>>>>>> REPLACE\n"


def gold_as_blocks() -> str:
    """The gold patch of the first starter task, hunk by hunk, in the format that models are asked for."""
    hunk = TASK.patch.split("@@")[2].split("\n", 1)[1]
    lines = [line for line in hunk.splitlines(keepends=True) if not line.startswith("\\")]
    before = "".join(line[1:] for line in lines if line[0] in " -")
    return search_replace(before, "".join(line[1:] for line in lines if line[0] in " +"))


async def answered(script: Script) -> str:
    """A column after `script` was its answer to the first starter task."""
    async with FaultServer(script) as server, running("compatible:m", server=server) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        return shown(column(pilot))


# The patch.


async def test_each_column_shows_the_status_of_its_patch() -> None:
    scripts = {
        "right": Script((f"It divides by zero.\n\n{gold_as_blocks()}",)),
        "wrong": Script((search_replace("no such line in this file\n", "anything\n"),)),
        "prose": Script("I would look at the list first."),
        "cut": Script("It divides by", finish_reason="length"),
    }
    targets = [f"compatible:{model}" for model in scripts]
    async with FaultServer(by_model=scripts) as server, running(*targets, server=server, size=(200, 30)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        right, wrong, prose, cut = (shown(view) for view in compare_screen(pilot).columns)
        assert "✓ patch applies" in right
        assert "✗ patch does not apply" in wrong
        assert "✗ no patch" in prose
        assert all("✓ done" in view for view in (right, wrong, prose))
        assert "▲ done, cut off by the output limit" in cut
        assert "✓" not in cut


async def test_without_its_repository_a_patch_is_shown_as_unchecked(tmp_path: Path) -> None:
    tasks = tmp_path / "foreign.jsonl"
    tasks.write_bytes(msgspec.json.encode(msgspec.structs.replace(TASK, repo="acme/rocket", base_commit="0" * 40)))
    async with FaultServer(Script((gold_as_blocks(),))) as server, running("compatible:m", server=server) as pilot:
        await pick_dataset(pilot, tasks)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "issue only" in task_bar(pilot), what="the foreign task")
        await pilot.press("enter")
        await all_settled(pilot)
        assert "? patch not checked" in shown(column(pilot))


# Errors.


async def test_each_error_is_shown_in_its_column_with_its_hint() -> None:
    scripts = {
        "key": failing(401, "bad key"),
        "name": failing(404, "no such model"),
        "full": failing(429, "slow down", retry_after="300"),
        "good": Script("All is well."),
    }
    targets = [f"compatible:{model}" for model in scripts]
    async with FaultServer(by_model=scripts) as server, running(*targets, server=server, size=(200, 30)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert states(pilot) == ["failed", "failed", "failed", "done"]
        *failed, good = (shown(view) for view in compare_screen(pilot).columns)
        for view, what in zip(failed, ("bad key", "no such model", "slow down"), strict=True):
            assert "✗ failed" in view
            assert what in view
            assert "\n│ → " in view
        assert "All is well." in good
        assert "→ " not in good


async def test_broken_responses_are_errors() -> None:
    scripts = {
        "page": html_page(),
        "fault": failing(500, "a fault"),
        "garbage": Script(ending=Ending.GARBAGE, after=0),
        "reset": Script(ending=Ending.RESET, after=0),
    }
    targets = [f"compatible:{model}" for model in scripts]
    async with FaultServer(by_model=scripts) as server, running(*targets, server=server, size=(200, 30)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert states(pilot) == ["failed"] * 4
        assert all("\n│ → " in shown(view) for view in compare_screen(pilot).columns)
        assert "returned a web page" in shown(column(pilot, 0)).replace("\n│ ", "")
        assert "→ Check the base URL" in shown(column(pilot, 0))


async def test_a_missing_server_is_an_error_in_its_column() -> None:
    async with FaultServer() as server, running("compatible:m", server=server) as pilot:
        await server.stop_abruptly()
        await pilot.press("enter")
        await all_settled(pilot)
        assert "✗ no connection to 127.0.0.1" in shown(column(pilot))
        assert "→ Start the server, or check its port." in shown(column(pilot))


async def test_a_missing_key_is_an_error_that_names_the_variable() -> None:
    async with running("openai:gpt-6-luna") as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert "→ Set OPENAI_API_KEY." in shown(column(pilot))


async def test_an_unusable_address_is_an_error_before_any_request() -> None:
    async with running("ollama:m", "embedded", environ={"OLLAMA_HOST": "ftp://host"}) as pilot:
        await pilot.press("r")
        await wait_until(pilot, lambda: "invalid base URL" in shown(column(pilot, 0)), what="the error")
        assert "→ Write it as http://HOST:PORT" in shown(column(pilot, 0))
        assert states(pilot) == ["-", "-"]


async def test_the_text_that_arrived_before_the_error_stays() -> None:
    script = Script(("The first half, ", "never the second"), ending=Ending.TRUNCATED, after=1)
    seen = await answered(script)
    assert "✗ failed" in seen
    assert "The first half," in seen
    assert "→ What arrived is kept but is not a whole answer." in seen
    assert "never the second" not in seen


async def test_an_internal_error_is_shown_like_any_other() -> None:
    registry = registry_of(acme=ScriptedProvider(text("x"), ZeroDivisionError("oops [b]")))
    async with running("acme:m", registry=registry) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert "internal error in swebench-tui: ZeroDivisionError: oops [b]" in shown(column(pilot))


# Before the first token.


async def test_the_last_notice_shows_until_the_first_token() -> None:
    notice, first = Gate(), Gate()
    provider = ScriptedProvider(
        Notice("Starting \x1b[2J", 1, passing=True),
        notice,
        Notice("Reading [b]it[/b]", 2, passing=True),
        first,
        text("Here."),
        finished(),
    )
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Starting ␛[2J" in shown(column(pilot)), what="the first notice")
        notice.open()
        await wait_until(pilot, lambda: "Reading [b]it[/b]" in shown(column(pilot)), what="the second notice")
        assert "Starting" not in shown(column(pilot))
        first.open()
        await all_settled(pilot)
        assert "Reading" not in shown(column(pilot))


async def test_a_dropped_parameter_is_still_noted_under_the_answer() -> None:
    provider = ScriptedProvider(Notice("temperature left out", 1), text("Here."), finished())
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert "temperature left out" in shown(column(pilot))


async def test_reasoning_is_shown_apart_from_the_answer() -> None:
    gate = Gate()
    provider = ScriptedProvider(thought("Let me see."), gate, text("42."), finished())
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "◐ thinking" in shown(column(pilot)), what="thinking")
        gate.open()
        await all_settled(pilot)
        rows = [row.strip("│ ") for row in shown(column(pilot)).splitlines()]
        first = rows.index("── thinking ──")
        assert rows[first : first + 4] == ["── thinking ──", "Let me see.", "── answer ──", "42."]


async def test_a_failed_attempt_takes_its_text_off_the_screen() -> None:
    error = ProviderError(ErrorKind.INCOMPLETE, "it broke off", hint="")
    broken, second = Gate(), Gate()
    provider = ScriptedProvider(
        text("The first half"),
        broken,
        AttemptFailed(provider="acme", model="m", error=error, time=2),
        text("The second"),
        second,
        finished(),
    )
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "The first half" in shown(column(pilot)), what="the first attempt")
        broken.open()
        await wait_until(pilot, lambda: "The second" in shown(column(pilot)), what="the second attempt")
        assert "The first half" not in shown(column(pilot))
        second.open()
        await all_settled(pilot)
        assert column(pilot).answer == "The second"


async def test_a_cancelled_column_shows_what_it_cost() -> None:
    provider = ScriptedProvider(text("word " * 400), Gate(), price=ModelPrice(input=Decimal(1), output=Decimal(10)))
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await wait_until(pilot, lambda: "● streaming" in shown(column(pilot)), what="streaming")
        await pilot.press("x")
        await wait_until(pilot, lambda: "■ cancelled" in shown(column(pilot)), what="cancelled")
        assert "~$0.0" in shown(column(pilot))


# Hostile text.


async def test_what_a_model_writes_is_shown_literally() -> None:
    lines = {
        "[b]bold[/b] [@click=app.quit]x[/]": "[b]bold[/b] [@click=app.quit]x[/]",
        "\x1b]0;owned\x07\x1b[31mred": "␛]0;owned␇␛[31mred",
        "c1 \x9b31m \x85 end": "c1 \ufffd31m \ufffd end",
        "<think>a</think> <patch>b</patch>": "<think>a</think> <patch>b</patch>",
        "user\u202eexe.txt": "user\ufffdexe.txt",
        "$(rm) {0} %s \\[x]": "$(rm) {0} %s \\[x]",
    }
    seen = await answered(Script(("\n\n".join(lines),)))
    for literally in lines.values():
        assert literally in seen
    assert not UNSAFE & set(seen)


async def test_a_servers_error_message_is_shown_literally() -> None:
    seen = await answered(failing(400, "no [b]room[/b] \x1b[2J\nat [/all]"))
    assert "no [b]room[/b] ␛[2J at [/all]" in seen
    assert not UNSAFE & set(seen)


async def test_the_model_name_of_a_server_is_shown_literally() -> None:
    name = "evil [b]x[/b]\x1b]0;t\x07\nname"
    provider = ScriptedProvider(text("x"), Finished(reason=FinishReason.STOP, time=1.0, model=name))
    async with running("acme:m", registry=registry_of(acme=provider)) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        assert "acme · evil [b]x[/b]␛]0;t␇ name" in shown(column(pilot))


@pytest.mark.parametrize(
    ("target", "title"),
    [
        (Target(provider="ollama", model="qwen3-coder:30b"), "ollama · qwen3-coder:30b"),
        (Target(provider="ollama"), "ollama · default model"),
        (Target(provider="embedded", model="smollm2", temperature=0.0), "embedded · smollm2 · t 0"),
        (Target(provider="x", model="[red]a\nb[/]"), "x · [red]a b[/]"),
    ],
)
def test_a_column_is_titled_by_its_target(target: Target, title: str) -> None:
    assert Content.from_markup(ColumnView(target).border_title or "").plain == title


async def test_a_column_takes_the_name_of_the_model_that_answered() -> None:
    async with FaultServer(Script("x")) as server, running("compatible", server=server) as pilot:
        assert "compatible · default model" in shown(column(pilot))
        await pilot.press("enter")
        await all_settled(pilot)
        assert "compatible · mock-model" in shown(column(pilot))


async def test_a_column_that_was_just_removed_can_still_be_painted() -> None:
    async with FaultServer(Script("text")) as server, running("compatible:a", "ollama:b", server=server) as pilot:
        await pilot.press("enter")
        await all_settled(pilot)
        answer = column(pilot).query_one(AnswerView)
        await column(pilot).remove()
        answer.notify_style_update()  # nothing comes from its cache
        assert answer.render_line(0).text.startswith("text")
