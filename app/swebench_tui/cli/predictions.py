"""`swebench-tui predictions`: predictions files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from swebench_tui.bench.predictions import Breach, CheckReport, check_predictions
from swebench_tui.cli.dataset_loading import load_dataset
from swebench_tui.cli.failure import failing
from swebench_tui.cli.live_lines import LiveLines
from swebench_tui.terminal_text import json_text, one_line

_COUNTED: Final = 1000  # predictions between two counts on a terminal
_MOST_SHOWN: Final = 100  # breaches, for people
_EXAMPLES: Final = """\b
Examples:
  swebench-tui predictions check predictions/starter/embedded__smollm2.jsonl
  swebench-tui predictions check preds.json --dataset starter --json"""


@click.group("predictions", epilog="Example: swebench-tui predictions check preds.jsonl")
def command() -> None:
    """Check predictions files for the SWE-bench harness and sb-cli."""


@command.command("check", short_help="Check a predictions file.", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="D", help="Check that the tasks are those of this dataset.")
@click.option("--split", metavar="S", help="Split of the dataset.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(*, file: Path, dataset: str | None, split: str | None, as_json: bool) -> None:
    """Check FILE, a .jsonl or .json predictions file, against the rules of the SWE-bench harness and sb-cli.

    Each breach is printed with its line, who refuses it and what to do. Exit status 1 if there are errors; warnings
    alone are 0.
    """
    with failing():
        ids = None
        if dataset is not None:
            ids = [instance.instance_id for instance in load_dataset(dataset, split=split).instances]
        with _progress() as progress:
            report = check_predictions(file, instance_ids=ids, progress=progress)
    if as_json:
        click.echo(json_text({"file": str(file)} | _report(report)))
    else:
        _print(file, report)
    if report.errors:
        click.get_current_context().exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Counts records on a terminal, and leaves nothing there. Ctrl+C stops the check."""
    live = LiveLines(sys.stderr, lambda: shutil.get_terminal_size().columns)
    shown = sys.stderr is not None and sys.stderr.isatty()

    def count(records: int) -> None:
        if shown and not records % _COUNTED:
            live.draw([f"{records:,} predictions"])

    try:
        yield count
    finally:
        if shown:
            live.draw([])


def _print(file: Path, report: CheckReport) -> None:
    for breach in report.breaches[:_MOST_SHOWN]:
        click.echo(
            f"{one_line(_place(file, breach))}: {breach.rule.severity}: {one_line(breach.message)}{_readers(breach)}"
        )
        click.echo(f"  {breach.rule.fix}")
    left = report.errors + report.warnings - min(len(report.breaches), _MOST_SHOWN)
    if left:
        click.echo(f"... and {left:,} more")
    models = ", ".join(one_line(model) for model in report.models[:3]) or "no model"
    more = f" and {len(report.models) - 3} more" if len(report.models) > 3 else ""
    counts = f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
    predictions = f"{_count(report.predictions, 'prediction')} of {models}{more}, {report.empty} empty"
    click.echo(f"{one_line(str(file))}: {predictions}: {counts}")


def _place(file: Path, breach: Breach) -> str:
    return str(file) if breach.line is None else f"{file}:{breach.line}"


def _readers(breach: Breach) -> str:
    return f" ({', '.join(breach.rule.readers)})" if breach.rule.readers else ""


def _report(report: CheckReport) -> dict[str, object]:
    return {
        "predictions": report.predictions,
        "empty": report.empty,
        "models": list(report.models),
        "errors": report.errors,
        "warnings": report.warnings,
        "breaches": [
            {
                "line": breach.line,
                "severity": breach.rule.severity,
                "rule": breach.rule.code,
                "readers": list(breach.rule.readers),
                "message": breach.message,
                "fix": breach.rule.fix,
            }
            for breach in report.breaches
        ],
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
