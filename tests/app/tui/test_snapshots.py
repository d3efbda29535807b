"""Snapshots of the screens, each at a fixed moment."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from textual.app import App
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input

from swebench_providers import (
    ErrorKind,
    FinishReason,
    ModelInfo,
    Notice,
    ProviderError,
    ProviderRegistry,
    TokenUsage,
    UsageUpdate,
)
from swebench_providers.catalog import provider_spec
from swebench_tui.bench.datasets import starter
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.target import parse_target
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.compare.add_model import AddModelScreen
from swebench_tui.tui.screens.compare.context import ContextScreen
from swebench_tui.tui.screens.compare.edit_prompt import EditPromptScreen
from swebench_tui.tui.screens.compare.pick_task import PickTaskScreen
from swebench_tui.tui.screens.unexpected import UnexpectedScreen
from tests.app.scripted import Gate, Listing, OnlyThese, ScriptedProvider, finished, registry_of, text, thought
from tests.app.task_prompts import task_prompt
from tests.app.tui.pilot import column, compare_screen, paste, shown, states, top_screen, wait_until

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
SMALL, MIDDLE = (80, 24), (120, 40)

SOURCE = "def mean(values):\n    return sum(values) / len(values)\n"
ISSUE = "mean([]) raises ZeroDivisionError\n\nIt should return None, says the README.\n"
TASK = Instance(repo="acme/tally", instance_id="acme__tally-1", base_commit="0" * 40, problem_statement=ISSUE)
ANSWER = """\
# The cause

`len(values)` is **0** for an empty list, so the division fails.

tally.py
<<<<<<< SEARCH
    return sum(values) / len(values)
=======
    return sum(values) / len(values) if values else None
>>>>>>> REPLACE

1. Nothing else calls it with an *empty* list.
2. <think>Tags</think> and [b]markup[/b] are text; so is \x1b[31mthis.
"""
GUIDED = """\
tallybox/averages.py
<<<<<<< SEARCH
    return sum(values) / len(values)
=======
    return sum(values) / len(values) if values else 0
>>>>>>> REPLACE"""
FREE = "The mean of no values should be 0.0, as the module says."
THOUGHTS = "The README says None. An empty list has length 0, and dividing by it raises. "


class Compare(Protocol):
    """The fixture `snap_compare` of pytest-textual-snapshot, with the arguments used here."""

    def __call__(
        self,
        app: App[None],
        *,
        terminal_size: tuple[int, int] = SMALL,
        run_before: Callable[[Pilot[None]], Awaitable[None]],
    ) -> bool: ...


class Stage:
    """The app with a clock that the test sets, one prompt and scripted models."""

    def __init__(self, prompt: TaskPrompt, registry: ProviderRegistry, *targets: str) -> None:
        self.now = 100.0
        self._prompt = prompt
        self.app = SwebenchApp(registry, lineup=[parse_target(target) for target in targets], now=lambda: self.now)
        self.app.animation_level = "none"

    async def open(self, pilot: Pilot[None]) -> None:
        """Wait until task bar and footer are drawn."""
        screen = compare_screen(pilot)
        await wait_until(pilot, lambda: screen.task_prompt is not None, what="the first task")
        screen._set_task(self._prompt)
        await wait_until(pilot, lambda: "help" in shown(screen), what="the footer")

    async def advance(self, pilot: Pilot[None], now: float, *, until: Callable[[], bool], what: str) -> None:
        """Set the clock and wait until `until` holds."""
        self.now = now
        await wait_until(pilot, until, what=what)


@pytest.fixture
def prompt(tmp_path: Path) -> TaskPrompt:
    """A task with a checkout, so that patches are checked by git."""
    repo = tmp_path / "tally"
    repo.mkdir()
    (repo / "tally.py").write_text(SOURCE)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "base"],
    ):
        subprocess.run(["git", "-C", str(repo), *command], check=True)
    title = f"{TASK.instance_id}  {TASK.title}"
    return TaskPrompt(
        title=title, prompt=ISSUE + SOURCE, context="all source files", instance=TASK, snapshot=FolderSnapshot(repo)
    )


def streaming(prompt: TaskPrompt) -> Stage:
    """One model thinks, the other writes; neither finishes."""
    thinking = ScriptedProvider(*(thought(THOUGHTS, 101.2 + n) for n in range(5)), Gate())
    lines = ANSWER.splitlines(keepends=True)[:-3]
    writing = ScriptedProvider(*(text(line, 100.61 + n / 4) for n, line in enumerate(lines)), Gate())
    registry = registry_of(openai=thinking, anthropic=writing)
    return Stage(prompt, registry, "openai:gpt-6.1", "anthropic:claude-sonnet-5")


async def stream(stage: Stage, pilot: Pilot[None]) -> None:
    await stage.open(pilot)
    await pilot.press("enter")
    started = [view.column for view in compare_screen(pilot).columns]
    await wait_until(pilot, lambda: [each.state.deltas for each in started if each] == [5, 10], what="all deltas")
    await stage.advance(
        pilot, 112.4, until=lambda: shown(compare_screen(pilot)).count("12.4s") == 2, what="the time on the screen"
    )


def mixture(prompt: TaskPrompt) -> tuple[Stage, Gate]:
    """One model finishes with a patch that applies, one fails once the gate opens, one writes until it is cancelled."""
    gate = Gate()
    usage = UsageUpdate(TokenUsage(prompt_tokens=911, completion_tokens=421), 109.8)
    done = ScriptedProvider(
        *(text(line, 100.82 + n / 2) for n, line in enumerate(ANSWER.splitlines(keepends=True))),
        usage,
        finished(FinishReason.STOP, 109.8),
        cost=Decimal("0.0188"),
    )
    error = ProviderError(
        ErrorKind.OVERLOADED,
        "the server has no room for [b]more[/b]",
        hint="Try again in 30 s, or lower --concurrency.",
    )
    failed = ScriptedProvider(text("It divides by the length, ", 101.0), text("which", 101.5), gate, error)
    stopped = ScriptedProvider(
        Notice("loading", 100.5), *(text(f"line {n}\n", 101 + n / 10) for n in range(50)), Gate()
    )
    registry = registry_of(openai=done, anthropic=failed, ollama=stopped)
    return Stage(prompt, registry, "openai:gpt-6.1", "anthropic:claude-sonnet-5", "ollama:qwen3-coder:30b"), gate


async def mix(stage: Stage, gate: Gate, pilot: Pilot[None]) -> None:
    await stage.open(pilot)
    await pilot.press("enter")
    stopped = column(pilot, 2)
    await wait_until(pilot, lambda: states(pilot) == ["done", "streaming", "streaming"], what="the first is done")
    await wait_until(pilot, lambda: stopped.answer.endswith("line 49\n"), what="all lines of the third")
    stage.now = 103.2
    gate.open()
    await wait_until(pilot, lambda: states(pilot)[1] == "failed", what="the second failed")
    stage.now = 106.5
    await pilot.press("shift+tab", "x", "tab")
    await wait_until(pilot, lambda: all(view.settled for view in compare_screen(pilot).columns), what="all settled")


@SIZES
def test_compare_before_the_first_run(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2", "openai")
    assert snap_compare(stage.app, terminal_size=size, run_before=stage.open)


@SIZES
def test_compare_while_two_models_stream(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage = streaming(prompt)
    assert snap_compare(stage.app, terminal_size=size, run_before=lambda pilot: stream(stage, pilot))


@SIZES
def test_compare_done_failed_and_cancelled(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage, gate = mixture(prompt)
    assert snap_compare(stage.app, terminal_size=size, run_before=lambda pilot: mix(stage, gate, pilot))


@SIZES
def test_compare_a_guided_answer_beside_a_free_one(
    snap_compare: Compare, tmp_path: Path, size: tuple[int, int]
) -> None:
    stage = Stage(
        task_prompt(starter.load().instances[0], tmp_path),
        registry_of(
            embedded=ScriptedProvider(
                *(text(line, 102 + n) for n, line in enumerate(GUIDED.splitlines(keepends=True))),
                finished(FinishReason.STOP, 110.5),
                spec=provider_spec("embedded"),
            ),
            openai=ScriptedProvider(text(FREE, 101.0), finished(FinishReason.STOP, 102.5)),
        ),
        *("embedded:smollm2", "openai:gpt-6.1"),
    )

    async def run(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: states(pilot) == ["done", "done"], what="both answers")
        await wait_until(pilot, lambda: all(view.settled for view in compare_screen(pilot).columns), what="all settled")
        await wait_until(pilot, lambda: "Guided: " in shown(compare_screen(pilot)), what="whose answers are guided")
        await wait_until(pilot, lambda: "Context: embedded" in shown(compare_screen(pilot)), what="what models got")

    assert snap_compare(stage.app, terminal_size=size, run_before=run)


def test_compare_without_colours(snap_compare: Compare, prompt: TaskPrompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stage, gate = mixture(prompt)
    assert snap_compare(stage.app, terminal_size=MIDDLE, run_before=lambda pilot: mix(stage, gate, pilot))


def test_compare_in_the_terminals_own_colours(snap_compare: Compare, prompt: TaskPrompt) -> None:
    stage, gate = mixture(prompt)
    stage.app.theme = "ansi-dark"
    assert snap_compare(stage.app, terminal_size=MIDDLE, run_before=lambda pilot: mix(stage, gate, pilot))


@SIZES
def test_pick_a_task(
    snap_compare: Compare, size: tuple[int, int], prompt: TaskPrompt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    titles = ["It does not fly", "A long title: " + "words " * 20, "[b]hostile[/b] \x1b[31m title", "It does not land"]
    rows = [
        msgspec.structs.replace(
            TASK, instance_id=f"acme__tally-{n}", problem_statement=title, version="2.1", difficulty="1-4 hours"
        )
        for n, title in enumerate(titles)
    ]
    (tmp_path / "tasks.jsonl").write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    stage = Stage(prompt, registry_of(), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("i")
        picker = await top_screen(pilot, PickTaskScreen)
        picker.query_one("#dataset", Input).focus()
        picker.query_one("#dataset", Input).value = "tasks.jsonl"
        await pilot.press("enter", "tab")
        await wait_until(pilot, lambda: "4 of 4 tasks" in shown(picker), what="the tasks")
        await wait_until(pilot, lambda: "acme/tally · version 2.1" in shown(picker), what="the preview")

    assert snap_compare(stage.app, terminal_size=size, run_before=open_it)


@SIZES
def test_choose_the_context(snap_compare: Compare, size: tuple[int, int], prompt: TaskPrompt) -> None:
    stage = Stage(prompt, registry_of(acme=Listing(ModelInfo(id="m", context_window=32_000))), "acme:m")

    async def open_it(pilot: Pilot[None]) -> None:
        await wait_until(pilot, lambda: compare_screen(pilot).task_prompt is not None, what="the first task")
        await pilot.press("c")
        dialog = await top_screen(pilot, ContextScreen)
        await wait_until(pilot, lambda: "FILES: 2" in shown(dialog), what="the files")
        await wait_until(pilot, lambda: "Choosing files" not in shown(dialog), what="the last model")

    assert snap_compare(stage.app, terminal_size=size, run_before=open_it)


def test_add_a_model(snap_compare: Compare, prompt: TaskPrompt) -> None:
    models = [ModelInfo(id=name) for name in ("qwen3-coder:30b", "gpt-oss:20b", "[b]evil[/b]\x1b[2J")]
    stage = Stage(prompt, registry_of(ollama=Listing(*models)), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "ollama:")
        await wait_until(pilot, lambda: "3 models" in shown(dialog), what="the models")
        await pilot.press("down")

    assert snap_compare(stage.app, run_before=open_it)


def test_add_an_unknown_model(snap_compare: Compare, prompt: TaskPrompt) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "olama:x")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Did you mean" in shown(dialog), what="the hint")

    assert snap_compare(stage.app, run_before=open_it)


def test_edit_the_prompt(snap_compare: Compare, prompt: TaskPrompt) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("e")
        await top_screen(pilot, EditPromptScreen)

    assert snap_compare(stage.app, run_before=open_it)


TWO_SIZES = pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=["80x24", "120x40"])


def listing(prompt: TaskPrompt) -> Stage:
    priced = ModelInfo(id="coder-7b", context_window=32_768, price_input=Decimal("0.10"), price_output=Decimal(2))
    refused = ProviderError(ErrorKind.AUTH, "the key was rejected", hint="Set another key with ACME_API_KEY.")
    registry = OnlyThese(acme=Listing(priced, ModelInfo(id="plain")), local=Listing(), broken=Listing(error=refused))
    return Stage(prompt, registry, "acme:coder-7b")


async def list_all(stage: Stage, pilot: Pilot[None]) -> None:
    await stage.open(pilot)
    await pilot.press("3")
    await wait_until(pilot, lambda: "2 of 2 models" in shown(pilot.app.screen), what="the models")
    await wait_until(pilot, lambda: "the key was rejected" in shown(pilot.app.screen), what="the error")


@TWO_SIZES
def test_models(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage = listing(prompt)
    assert snap_compare(stage.app, terminal_size=size, run_before=lambda pilot: list_all(stage, pilot))


def test_models_without_colours(snap_compare: Compare, prompt: TaskPrompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stage = listing(prompt)
    assert snap_compare(stage.app, run_before=lambda pilot: list_all(stage, pilot))


def test_models_in_the_terminals_own_colours(snap_compare: Compare, prompt: TaskPrompt) -> None:
    stage = listing(prompt)
    stage.app.theme = "ansi-light"
    assert snap_compare(stage.app, run_before=lambda pilot: list_all(stage, pilot))


@TWO_SIZES
def test_the_mode_bar_with_todays_cost(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        stage.app.spent_today = Decimal("0.42")
        await pilot.press("2")
        await wait_until(pilot, lambda: "today $0.42" in shown(pilot.app.screen), what="the spend")
        await wait_until(pilot, lambda: "? help" in shown(pilot.app.screen), what="the footer")

    assert snap_compare(stage.app, terminal_size=size, run_before=open_it)


@TWO_SIZES
def test_help(snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int]) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2", "openai")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: "Several models" in shown(pilot.app.screen) or size == SMALL, what="its prose")
        await wait_until(pilot, lambda: "esc back" in shown(pilot.app.screen), what="the footer")

    assert snap_compare(stage.app, terminal_size=size, run_before=open_it)


@TWO_SIZES
def test_the_dialog_of_an_unexpected_error(
    snap_compare: Compare, prompt: TaskPrompt, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null")
    stage = Stage(prompt, registry_of(), "embedded:smollm2", "openai")

    async def open_it(pilot: Pilot[None]) -> None:
        await stage.open(pilot)
        stage.app.call_later(int, "[b]no[/b] number")
        dialog = await top_screen(pilot, UnexpectedScreen)
        dialog.query_one(".hint").update(Content("at swebench_tui/tui/app.py:1"))  # type: ignore[attr-defined]
        await wait_until(pilot, lambda: "Could not save" in shown(dialog), what="the file")
        await wait_until(pilot, lambda: "q quit" in shown(dialog), what="the footer")

    assert snap_compare(stage.app, terminal_size=size, run_before=open_it)


def test_a_terminal_that_is_too_small(snap_compare: Compare, prompt: TaskPrompt) -> None:
    stage = Stage(prompt, registry_of(), "embedded:smollm2")

    async def open_it(pilot: Pilot[None]) -> None:
        await wait_until(pilot, lambda: "Needs at least 60x16" in shown(pilot.app.screen), what="the message")

    assert snap_compare(stage.app, terminal_size=(50, 12), run_before=open_it)
