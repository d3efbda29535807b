"""What `generate` prints about targets: live lines, and summaries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from swebench_tui.runs import formatting
from swebench_tui.services.generation_run import TargetRun
from swebench_tui.services.generation_tally import Tally
from swebench_tui.terminal_text import one_line

_WIDEST_NAME: Final = 32  # cells of a target in a live line


def progress_lines(runs: Sequence[TargetRun], elapsed: float) -> list[str]:
    """A line per target: `openai:gpt  12/300 done  9 apply  1 failed  4 running  $0.12  eta 3m05s`."""
    names = [_shortened(target_name(run)) for run in runs]
    width = max(map(cell_len, names), default=0)
    return [
        "  ".join([set_cell_size(name, width), *_progress(run, elapsed)]) for name, run in zip(names, runs, strict=True)
    ]


def _progress(run: TargetRun, elapsed: float) -> Iterator[str]:
    tally = run.tally
    yield f"{tally.ended}/{tally.total} done"
    if unchecked := tally.statuses["unchecked"]:
        yield f"{unchecked} not checked"
    if not unchecked or tally.statuses["applies"]:
        yield f"{tally.statuses['applies']} apply"
    if failed := tally.outcomes["failed"] + tally.outcomes["conflict"]:
        yield f"{failed} failed"
    if tally.in_flight:
        yield f"{tally.in_flight} running"
    if run.waits:
        yield f"{len(run.waits)} waiting: {one_line(next(iter(run.waits.values())).reason)}"
    yield cost_text(tally, free=run.source.is_free(run.target.model))
    worked = tally.ended - tally.outcomes["present"]
    if worked and tally.ended < tally.total:
        yield f"eta {_duration(elapsed / worked * (tally.total - tally.ended))}"


def _duration(seconds: float) -> str:
    """`9s`, `3m05s`, `2h10m`."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02d}s" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def _shortened(name: str) -> str:
    return name if cell_len(name) <= _WIDEST_NAME else f"{set_cell_size(name, _WIDEST_NAME - 1).rstrip()}…"


def cost_text(tally: Tally, *, free: bool) -> str:
    """`free`, `$0.12`, `~$0.12`, `at least $0.12, 3 of unknown price`; `no charge` before any call has ended."""
    if free and not tally.cost:
        return "free"
    if not tally.priced and not tally.unpriced:
        return "no charge"
    if tally.unpriced:
        known = f"at least {formatting.dollars(tally.cost)}, " if tally.cost else ""
        return f"{known}{tally.unpriced} of unknown price"
    return f"{'~' if tally.cost_estimated and tally.cost else ''}{formatting.dollars(tally.cost)}"


def summary_lines(run: TargetRun) -> list[str]:
    """The summary of a target for people."""
    tally = run.tally
    lines = [f"{target_name(run)}: {run.output.path}"]
    if tally.statuses:
        lines.append(f"  Patches: {', '.join(_patch_counts(tally))}")
    if tally.failures:
        lines.append(f"  Classes: {', '.join(f'{name} {count}' for name, count in tally.failures.most_common())}")
    outcomes = {
        "predicted": tally.outcomes["predicted"],
        "predicted before": tally.outcomes["present"],
        "of another prompt": tally.outcomes["conflict"],
        "failed": tally.outcomes["failed"],
        "cancelled": tally.outcomes["cancelled"],
        "not started": tally.total - tally.ended,
    }
    lines.append(f"  Tasks: {', '.join(f'{count} {name}' for name, count in outcomes.items() if count)}")
    cost = cost_text(tally, free=run.source.is_free(run.target.model))
    lines.append(f"  Cost: {cost}. Tokens: {tally.prompt_tokens:,} in, {tally.completion_tokens:,} out")
    if run.stopped:
        lines.append(f"  Stopped: {one_line(run.stopped)}")
    return lines


def _patch_counts(tally: Tally) -> Iterator[str]:
    """`9/11 apply`, `1 does not apply`, `1 without a patch`; those not checked are no part of the 11."""
    unchecked = tally.statuses["unchecked"]
    checked = sum(tally.statuses.values()) - unchecked
    if checked:
        yield f"{tally.statuses['applies']}/{checked} apply"
    names = {"partial": "in part", "does_not_apply": "not applying", "no_patch": "without a patch"}
    for status, name in names.items():
        if count := tally.statuses[status]:
            yield f"{count} {name}"
    if unchecked:
        yield f"{unchecked} not checked"


def target_name(run: TargetRun) -> str:
    """The target with its labels: `embedded:smollm2 (guided)`."""
    labels = f" ({', '.join(run.labels)})" if run.labels else ""
    return one_line(str(run.target)) + labels


def task_count(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
