"""What `generate` prints: a live line per target, or a line per task, or JSON lines; and the summary at the end."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import click

from swebench_tui.bench.datasets import Dataset
from swebench_tui.bench.predictions import file_stem
from swebench_tui.bench.predictions.scoring import score_commands
from swebench_tui.cli.generate_lines import progress_lines, summary_lines, target_name, task_count
from swebench_tui.cli.live_lines import LiveLines
from swebench_tui.cli.patch_output import patch_fields
from swebench_tui.runs import formatting
from swebench_tui.services.generation_run import GenerationRun, TargetRun
from swebench_tui.services.generation_tally import TaskResult
from swebench_tui.terminal_text import json_text, one_line

_FRAME: Final = 0.25  # seconds
_LONGEST_RUN_ID: Final = 60  # characters of the model in a run id, which becomes part of file names


class Printer(Protocol):
    """Prints a run. Everything that comes from models and servers is made safe for a terminal."""

    def begin(self, run: GenerationRun) -> None: ...

    def changed(self, run: TargetRun, result: TaskResult | None) -> None: ...

    def stopping(self, run: GenerationRun, *, cancelled: bool) -> None: ...

    async def tick(self) -> None:
        """Draw what changes by itself, until cancelled."""
        ...

    def end(self, run: GenerationRun) -> None: ...


class Text:
    """Progress on standard error, the summary on standard output."""

    def __init__(self, dataset: Dataset, *, now: Callable[[], float] = time.monotonic) -> None:
        self._dataset = dataset
        self._now = now
        self._live: LiveLines | None = None
        self._run: GenerationRun | None = None
        self._began = 0.0
        self._waits: set[tuple[TargetRun, str]] = set()

    def begin(self, run: GenerationRun) -> None:
        self._run, self._began = run, self._now()
        if sys.stderr is not None and sys.stderr.isatty():
            self._live = LiveLines(sys.stderr, lambda: shutil.get_terminal_size().columns)
        for each in run.targets:
            self._print(f"{target_name(each)}: {task_count(each.tally.total)} into {each.output.path}")
            if each.output.predictions.torn is not None:
                torn = each.output.predictions.torn
                self._print(f"{each.output.path}: moved a torn last line of {torn.size} bytes to {torn.moved_to}")

    def changed(self, run: TargetRun, result: TaskResult | None) -> None:
        self._print_waits(run)
        if result is None or result.outcome == "present":
            return
        if self._live is None or result.error or result.notice:
            self._print(f"{one_line(str(run.target))}  {one_line(result.instance_id)}  {_outcome(result)}")
            if result.notice:
                self._print(f"  {one_line(result.notice)}")
            if result.error:
                self._print(f"  {one_line(result.error)}. {one_line(result.hint)}".rstrip(". "))

    def stopping(self, run: GenerationRun, *, cancelled: bool) -> None:
        waiting = sum(each.tally.in_flight for each in run.targets)
        if cancelled:
            self._print(f"Cancelling {task_count(waiting)}. What has arrived is kept.")
        else:
            self._print(f"Stopping: waiting for {task_count(waiting)} in flight. Ctrl+C again cancels them.")

    async def tick(self) -> None:
        while self._live is not None:
            self._draw()
            await asyncio.sleep(_FRAME)

    def end(self, run: GenerationRun) -> None:
        if self._live is not None:
            self._live.draw(())
        for each in run.targets:
            for line in summary_lines(each):
                click.echo(line)
            for shell in _score_commands(each, self._dataset):
                click.echo(f"  Score: {shell}")
        if any(each.tally.without_prediction for each in run.targets):
            click.echo("Run the same command again to continue with the tasks that have no prediction.")

    def _print_waits(self, run: TargetRun) -> None:
        """Where no live line shows them, each reason once."""
        for wait in run.waits.values():
            if self._live is None and (run, wait.reason) not in self._waits:
                self._waits.add((run, wait.reason))
                self._print(f"{target_name(run)}: waiting, {one_line(wait.reason)}: {one_line(wait.message)}")

    def _print(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text)
        else:
            click.echo(text, err=True)

    def _draw(self) -> None:
        if self._live is not None and self._run is not None:
            self._live.draw(progress_lines(self._run.targets, self._now() - self._began))


class JSONLines:
    """One object per line: `begin`, `waiting`, `task`, and last `summary`."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._waits: dict[TargetRun, list[str]] = {}

    def begin(self, run: GenerationRun) -> None:
        for each in run.targets:
            torn = each.output.predictions.torn
            self._print(
                "begin",
                each,
                {
                    "model": each.output.model,
                    "labels": list(each.labels),
                    "tasks": each.tally.total,
                    "output": str(each.output.path),
                    "answers": str(each.output.answers.path),
                    "torn": None if torn is None else str(torn.moved_to),
                },
            )

    def changed(self, run: TargetRun, result: TaskResult | None) -> None:
        reasons = sorted({str(wait.reason) for wait in run.waits.values()})
        if reasons != self._waits.get(run, []):
            self._waits[run] = reasons
            messages = list(dict.fromkeys(wait.message for wait in run.waits.values()))
            self._print("waiting", run, {"tasks": len(run.waits), "reasons": reasons, "messages": messages})
        if result is not None:
            self._print("task", run, _result(result))

    def stopping(self, run: GenerationRun, *, cancelled: bool) -> None:
        waiting = sum(each.tally.in_flight for each in run.targets)
        click.echo(json_text({"event": "stopping", "cancelled": cancelled, "in_flight": waiting}))

    async def tick(self) -> None:
        """Nothing changes by itself."""

    def end(self, run: GenerationRun) -> None:
        summaries = [_summary(each) | {"score": _score_commands(each, self._dataset)} for each in run.targets]
        click.echo(json_text({"event": "summary", "targets": summaries}))

    def _print(self, event: str, run: TargetRun, fields: dict[str, object]) -> None:
        click.echo(json_text({"event": event, "target": str(run.target)} | fields))


def _outcome(result: TaskResult) -> str:
    if result.verdict is not None:
        guided = result.answer is not None and result.answer.guided
        empty = "" if result.submitted else ", empty prediction"
        return f"{one_line(formatting.patch_text(result.verdict, guided=guided))}{empty}"
    return "left as it is" if result.outcome == "conflict" else result.outcome


def _result(result: TaskResult) -> dict[str, object]:
    answer, verdict = result.answer, result.verdict
    return {
        "instance": result.instance_id,
        "outcome": result.outcome,
        "recovered": result.recovered,
        "submitted": result.submitted,
        "guided": answer.guided if answer else False,
        "finish_reason": answer.finish_reason if answer else None,
        "prompt_tokens": answer.prompt_tokens if answer else None,
        "completion_tokens": answer.completion_tokens if answer else None,
        "cost": answer.cost if answer else None,
        "cost_estimated": answer.cost_estimated if answer else None,
        "patch": None if verdict is None else patch_fields(verdict),
        "error": {"kind": result.kind or None, "message": result.error, "hint": result.hint} if result.error else None,
    }


def _summary(run: TargetRun) -> dict[str, object]:
    tally = run.tally
    return {
        "target": str(run.target),
        "output": str(run.output.path),
        "tasks": tally.total,
        "predicted": tally.outcomes["predicted"],
        "present": tally.outcomes["present"],
        "conflict": tally.outcomes["conflict"],
        "failed": tally.outcomes["failed"],
        "cancelled": tally.outcomes["cancelled"],
        "patches": dict(tally.statuses),
        "classes": dict(tally.failures),
        "submitted": tally.submitted,
        "labels": list(run.labels),
        "guided": tally.guided,
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "cost": None if tally.unpriced else float(tally.cost),
        "known_cost": float(tally.cost),
        "unpriced": tally.unpriced,
        "cost_estimated": tally.cost_estimated,
        "stopped": run.stopped or None,
    }


def _score_commands(run: TargetRun, dataset: Dataset) -> list[str]:
    run_id = f"{file_stem(run.output.model)[:_LONGEST_RUN_ID]}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return (
        list(score_commands(dataset.name, dataset.split, run.output.path, run_id)) if run.output.path.exists() else []
    )
