"""Where the predictions and answers of a target go, and what is there already."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from swebench_tui.bench.predictions import (
    AnswersFile,
    Known,
    Prediction,
    PredictionsFile,
    StoredAnswer,
    StoredPatch,
    TornTail,
    file_stem,
)
from swebench_tui.bench.predictions.pick_record import pick_record
from swebench_tui.bench.task import Pick
from swebench_tui.runs.generation import Answer


class Output:
    """The predictions file and the answers file of one model. For one event loop; files are written in threads."""

    def __init__(self, path: Path, model: str) -> None:
        """Opens the files and reads what they hold: blocks, and raises `PredictionsError`."""
        self.predictions = PredictionsFile(path, model)
        self.answers = AnswersFile(path.with_name(f"{path.name.removesuffix('.jsonl')}.answers.jsonl"))
        known = self.predictions.known.values()
        self._unused = self.answers.unused({each.instance_id: each.prompt_hash for each in known})
        self._lock = asyncio.Lock()

    @property
    def path(self) -> Path:
        """The predictions file."""
        return self.predictions.path

    @property
    def model(self) -> str:
        """The `model_name_or_path` of its predictions."""
        return self.predictions.model

    def known(self, instance_id: str) -> Known | None:
        """The instance's prediction in the file."""
        return self.predictions.known.get(instance_id)

    def unused(self, instance_id: str, prompt_hash: str) -> StoredAnswer | None:
        """A complete answer to this prompt that was kept, but whose patch was not: the process was killed."""
        answer = self._unused.get(instance_id)
        return answer if answer is not None and answer.prompt_hash == prompt_hash else None

    async def keep_answer(self, answer: StoredAnswer) -> TornTail | None:
        """Return once the answer is durable. Raises `PredictionsError`."""
        async with self._lock:
            return await asyncio.to_thread(self.answers.add, answer)

    async def keep_prediction(self, prediction: Prediction, patch: StoredPatch, *, replace: bool) -> TornTail | None:
        """Return once the verdict and the prediction are durable. Raises `PredictionsError`."""

        def keep() -> TornTail | None:
            self.answers.add(patch)
            return self.predictions.add(prediction, replace=replace)

        async with self._lock:
            return await asyncio.to_thread(keep)


def output_path(output: Path, model: str) -> Path:
    """The predictions file for a model: `output` itself where it names a .jsonl file, else a file in that folder."""
    return output if output.suffix.lower() == ".jsonl" else output / f"{file_stem(model)}.jsonl"


def stored_answer(
    answer: Answer, instance_id: str, prompt_hash: str, *, context: str, guided: bool, pick: Pick | None = None
) -> StoredAnswer:
    """An ended generation as the answers file keeps it."""
    state, usage = answer.state, answer.state.usage
    return StoredAnswer(
        instance_id=instance_id,
        target=str(answer.target),
        model=state.model,
        prompt_hash=prompt_hash,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        state=state.status.value,
        text=answer.text,
        reasoning=answer.reasoning,
        finish_reason=None if state.finish_reason is None else state.finish_reason.value,
        request_id=state.request_id,
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        cost=None if state.cost is None else float(state.cost),
        cost_estimated=state.cost_estimated,
        context=context,
        guided=guided,
        error=None if state.error is None else str(state.error),
        pick=pick_record(pick),
    )
