"""What `compare` prints: JSON lines for programs, paragraphs for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import click
import msgspec

from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.task import Question
from swebench_tui.runs import formatting
from swebench_tui.runs.column import Column, GenerationState, Piece, State
from swebench_tui.terminal_text import one_line, sanitize


class Printer(Protocol):
    """Follows the columns of one question after the other. `failures` counts columns that gave no answer."""

    failures: int

    def begin(self, question: Question, columns: Sequence[Column]) -> None: ...

    def changed(self, column: Column, piece: Piece | None) -> None: ...


class JSONLines:
    """One object a line, as things happen."""

    def __init__(self) -> None:
        self.failures = 0
        self._columns: list[Column] = []
        self._instance: str | None = None
        self._state: dict[Column, State] = {}
        self._notices: dict[Column, int] = {}

    def begin(self, question: Question, columns: Sequence[Column]) -> None:
        self._columns = list(columns)
        self._instance = question.instance.instance_id if question.instance else None

    def changed(self, column: Column, piece: Piece | None) -> None:
        facts = column.facts
        for notice in facts.notices[self._notices.get(column, 0) :]:
            self._print(column, "notice", {"message": notice})
        self._notices[column] = len(facts.notices)
        if self._state.get(column) is not facts.state:
            self._state[column] = facts.state
            self._print(column, "state", {"state": facts.state.value})
        if piece is not None:
            self._print(column, "delta", {"kind": piece.kind, "text": piece.text, "t_ms": round(piece.at * 1000, 3)})
        if facts.settled:
            self.failures += facts.state is not State.DONE
            self._print(column, "done", _outcome(column, facts))

    def _print(self, column: Column, event: str, fields: dict[str, object]) -> None:
        head = {"event": event, "column": self._columns.index(column), "target": str(column.target)}
        if self._instance is not None:
            head["instance"] = self._instance
        click.echo(msgspec.json.encode(head | fields))


class Text:
    """Each answer under a heading, when it has ended. Progress goes to standard error."""

    def __init__(self) -> None:
        self.failures = 0
        self._asked: set[Column] = set()
        self._notices: dict[Column, int] = {}

    def begin(self, question: Question, columns: Sequence[Column]) -> None:
        click.echo(
            f"{one_line(question.title)}\n{len(columns)} column(s); the models see {question.context}.", err=True
        )

    def changed(self, column: Column, piece: Piece | None) -> None:  # noqa: ARG002 - text is printed when it is whole
        facts = column.facts
        if column not in self._asked:
            self._asked.add(column)
            click.echo(f"{column.target}: asked", err=True)
        for notice in facts.notices[self._notices.get(column, 0) :]:
            click.echo(f"{column.target}: {one_line(notice)}", err=True)
        self._notices[column] = len(facts.notices)
        if facts.settled:
            self._ended(column, facts)

    def _ended(self, column: Column, facts: GenerationState) -> None:
        self.failures += facts.state is not State.DONE
        state, figures = formatting.state_words(facts), formatting.summary(facts, free=column.free)
        click.echo(f"── {column.target} · {state} · {figures}")
        click.echo(sanitize(column.text).rstrip())
        if facts.error is not None:
            click.echo(f"Error: {one_line(str(facts.error))}\n{one_line(facts.error.hint)}", err=True)
        if facts.patch is not None:
            click.echo(f"→ {formatting.patch_words(facts.patch)}")
        click.echo()


def _outcome(column: Column, facts: GenerationState) -> dict[str, object]:
    return {
        "state": facts.state.value,
        "model": facts.model,
        "text": column.text,
        "reasoning": column.reasoning,
        "finish_reason": facts.finish_reason.value if facts.finish_reason else None,
        "complete": facts.complete,
        "refusal": facts.refusal or None,
        "usage": _usage(facts),
        "cost": None if facts.cost is None else float(facts.cost),
        "cost_estimated": facts.cost_estimated,
        "ttft_ms": None if facts.ttft is None else round(facts.ttft * 1000, 3),
        "latency_ms": None if facts.latency is None else round(facts.latency * 1000, 3),
        "waited_ms": round(facts.waited * 1000, 3),
        "tokens_per_second": None if facts.tokens_per_second is None else round(facts.tokens_per_second, 2),
        "request_id": facts.request_id,
        "patch": None if facts.patch is None else _patch(facts.patch),
        "error": None if facts.error is None else _error(facts),
    }


def _usage(facts: GenerationState) -> dict[str, object] | None:
    usage = facts.usage
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "source": usage.source,
    }


def _patch(patch: PatchVerdict) -> dict[str, object]:
    return {
        "status": patch.status,
        "class": None if patch.failure is None else str(patch.failure),
        "detail": patch.detail,
        "files": list(patch.files),
        "repairs": list(patch.repairs),
        "diff": patch.patch,
    }


def _error(facts: GenerationState) -> dict[str, object] | None:
    error = facts.error
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
