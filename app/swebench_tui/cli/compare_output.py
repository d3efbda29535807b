"""What `compare` prints: JSON lines for programs, paragraphs for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import click

from swebench_providers import ReasoningDelta, TextDelta
from swebench_tui.bench.task import Pick, TaskPrompt
from swebench_tui.cli.patch_output import patch_fields
from swebench_tui.cli.prompt_output import (
    context_line,
    differ,
    estimate_fields,
    input_line,
    note_lines,
    pick_fields,
    print_progress,
    prompt_fields,
    usage_fields,
)
from swebench_tui.runs import formatting
from swebench_tui.runs.column import Column
from swebench_tui.runs.generation import Piece, TextVoided
from swebench_tui.runs.generation_state import GenerationState, Status
from swebench_tui.services.input_estimate import InputEstimate
from swebench_tui.services.pick import summary
from swebench_tui.terminal_text import json_text, one_line, sanitize


class Printer(Protocol):
    """Prints the columns of one task after the other. `failures` counts columns without an answer."""

    failures: int

    def prepare(self, sentence: str) -> None:
        """Progress before the prompts are there."""
        ...

    def begin(
        self, prompts: Sequence[TaskPrompt], columns: Sequence[Column], estimates: Sequence[InputEstimate] = ()
    ) -> None:
        """The prompts and columns of a task, before anything is sent. `estimates` are there for a dataset's task."""
        ...

    def changed(self, column: Column, piece: Piece | None) -> None: ...


class JSONLines:
    """One object per line, as things happen."""

    def __init__(self) -> None:
        self.failures = 0
        self._columns: list[Column] = []
        self._prompts: list[TaskPrompt] = []
        self._instance: str | None = None
        self._status: dict[Column, Status] = {}
        self._notices: dict[Column, int] = {}

    def prepare(self, sentence: str) -> None:
        pass

    def begin(
        self, prompts: Sequence[TaskPrompt], columns: Sequence[Column], estimates: Sequence[InputEstimate] = ()
    ) -> None:
        self._columns = list(columns)
        self._prompts = list(prompts)
        instance = prompts[0].instance
        self._instance = instance.instance_id if instance else None
        for column, prompt in zip(columns, prompts, strict=True):
            if prompt.pick is not None:
                self._print(column, "pick", pick_fields(prompt.pick) or {})
        for column, prompt, estimate in zip(columns, prompts, estimates, strict=False):
            self._print(column, "prompt", prompt_fields(prompt) | estimate_fields(estimate))

    def changed(self, column: Column, piece: Piece | None) -> None:
        state = column.state
        for notice in state.notices[self._notices.get(column, 0) :]:
            self._print(column, "notice", {"message": notice})
        self._notices[column] = len(state.notices)
        if isinstance(piece, TextVoided):
            self._print(column, "reset", {})
        if self._status.get(column) is not state.status:
            self._status[column] = state.status
            self._print(column, "state", {"state": state.status.value})
        if isinstance(piece, TextDelta | ReasoningDelta):
            self._print(column, "delta", _delta(piece, state))
        if column.settled:
            self.failures += state.status is not Status.DONE
            prompt = self._prompts[self._columns.index(column)]
            self._print(column, "done", _outcome(column, state) | _prompt(prompt))

    def _print(self, column: Column, event: str, fields: dict[str, object]) -> None:
        head = {"event": event, "column": self._columns.index(column), "target": str(column.target)}
        if self._instance is not None:
            head["instance"] = self._instance
        click.echo(json_text(head | fields))


class Text:
    """Each answer under a heading, when it has ended. Progress goes to standard error."""

    def __init__(self) -> None:
        self.failures = 0
        self._started: set[Column] = set()
        self._picks: dict[Column, Pick] = {}
        self._notices: dict[Column, int] = {}

    def prepare(self, sentence: str) -> None:
        print_progress(sentence)

    def begin(
        self, prompts: Sequence[TaskPrompt], columns: Sequence[Column], estimates: Sequence[InputEstimate] = ()
    ) -> None:
        count = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
        context = "The prompts of the columns differ." if differ(prompts) else context_line(prompts[0])
        click.echo(f"{one_line(prompts[0].title)}\n{count}. {one_line(context)}", err=True)
        for column, prompt, estimate in zip(columns, prompts, estimates, strict=False):
            click.echo(one_line(input_line(column.target, estimate)), err=True)
            if differ(prompts):
                click.echo(f"  {one_line(context_line(prompt))}", err=True)
        self._picks = {
            column: prompt.pick for column, prompt in zip(columns, prompts, strict=True) if prompt.pick is not None
        }
        pairs = [(column.target, prompt) for column, prompt in zip(columns, prompts, strict=True)]
        for line in note_lines(pairs):
            click.echo(line, err=True)

    def changed(self, column: Column, piece: Piece | None) -> None:  # noqa: ARG002 - text is printed when it is whole
        state = column.state
        if column not in self._started:
            self._started.add(column)
            click.echo(f"{column.target}: started", err=True)
        for notice in state.notices[self._notices.get(column, 0) :]:
            click.echo(f"{column.target}: {one_line(notice)}", err=True)
        self._notices[column] = len(state.notices)
        if column.settled:
            self._print_answer(column, state)

    def _print_answer(self, column: Column, state: GenerationState) -> None:
        self.failures += state.status is not Status.DONE
        click.echo(f"── {column.target} · {_status(state)} · {formatting.summary(state)}")
        click.echo(sanitize(column.text).rstrip())
        if state.error is not None:
            click.echo(f"Error: {one_line(str(state.error))}\n{one_line(state.error.hint)}", err=True)
        if column in self._picks:
            click.echo(f"→ {one_line(summary(self._picks[column]))}")
        if column.patch is not None:
            click.echo(f"→ {formatting.patch_text(column.patch, guided=state.guided)}")
        click.echo()


def _status(state: GenerationState) -> str:
    return f"{formatting.status_text(state)}, guided" if state.guided else formatting.status_text(state)


def _delta(piece: TextDelta | ReasoningDelta, state: GenerationState) -> dict[str, object]:
    start = piece.time if state.measured_from is None else state.measured_from
    kind = "text" if isinstance(piece, TextDelta) else "reasoning"
    return {"kind": kind, "text": piece.text, "t_ms": formatting.milliseconds(piece.time - start)}


def _prompt(prompt: TaskPrompt) -> dict[str, object]:
    """The prompt's part of a record: its hash, and the call before it with a cost of its own."""
    return {"prompt_hash": prompt.hash, "context": prompt.mode or None, "pick": pick_fields(prompt.pick)}


def _outcome(column: Column, state: GenerationState) -> dict[str, object]:
    return {
        "state": state.status.value,
        "model": state.model,
        "guided": state.guided,
        "text": column.text,
        "reasoning": column.reasoning,
        "finish_reason": state.finish_reason.value if state.finish_reason else None,
        "complete": state.complete,
        "refusal": state.refusal or None,
        "usage": usage_fields(state.usage),
        **formatting.metric_fields(state),
        "request_id": state.request_id,
        "patch": None if column.patch is None else patch_fields(column.patch),
        "error": _error(state),
    }


def _error(state: GenerationState) -> dict[str, object] | None:
    error = state.error
    if error is None:
        return None
    return {
        "kind": error.kind.value,
        "reason": error.reason,
        "message": str(error),
        "hint": error.hint,
        "status": error.status,
        "retryable": error.retryable,
        "retry_after": error.retry_after,
    }
