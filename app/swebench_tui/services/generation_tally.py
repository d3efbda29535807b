"""What a generation run has come to: results of single tasks, and their counts for a target."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Literal

import msgspec

from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.predictions import StoredAnswer
from swebench_tui.bench.predictions.pick_record import PickRecord

Outcome = Literal["predicted", "present", "conflict", "failed", "cancelled"]
"""Of a task: it has a new prediction; the file had one; the file has one made with another prompt; there is none."""


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """One task of one target that has ended.

    `answer` is as stored. `recovered`: it was kept by an earlier run that ended before its patch was checked.
    `submitted`: the prediction holds the patch. `error` and `hint` are of a task without a prediction.
    """

    instance_id: str
    outcome: Outcome
    answer: StoredAnswer | None = None
    verdict: PatchVerdict | None = None
    recovered: bool = False
    submitted: bool = False
    error: str = ""
    hint: str = ""
    kind: str = ""
    notice: str = ""


class Tally:
    """The counts of a target. `cost` is of the `priced` calls, `unpriced` counts those of unknown cost."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.in_flight = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.statuses: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.submitted = 0
        self.guided = 0
        self.cost = Decimal(0)
        self.cost_estimated = False
        self.priced = 0
        self.unpriced = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    @property
    def ended(self) -> int:
        """Tasks that have ended in any way."""
        return sum(self.outcomes.values())

    @property
    def without_prediction(self) -> int:
        """Tasks that the run was to predict and did not."""
        return self.total - self.outcomes["predicted"] - self.outcomes["present"]

    def add(self, result: TaskResult) -> None:
        """Count a task that has ended."""
        self.outcomes[result.outcome] += 1
        if result.verdict is not None:
            self.statuses[result.verdict.status] += 1
            if result.verdict.failure is not None:
                self.failures[str(result.verdict.failure)] += 1
            self.guided += result.answer is not None and result.answer.guided
        self.submitted += result.submitted
        if result.answer is not None and not result.recovered:
            self._add_usage(result.answer)

    def _add_usage(self, call: StoredAnswer | PickRecord) -> None:
        self.prompt_tokens += call.prompt_tokens or 0
        self.completion_tokens += call.completion_tokens or 0
        if call.cost is None:
            self.unpriced += 1
        else:
            self.priced += 1
            self.cost += Decimal(str(call.cost))
            self.cost_estimated |= call.cost_estimated
        if isinstance(call, StoredAnswer) and call.pick is not None and not call.pick.reused:
            self._add_usage(call.pick)
