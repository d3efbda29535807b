"""Generates predictions: several targets over a selection of tasks, a few at once.

An answer is on disk before its patch is checked, and its prediction before it counts as done. A run that was stopped or
killed goes on where it was: what the files hold is not requested again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from swebench_providers import ErrorKind, FinishReason, ProviderError, Waiting
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.context.errors import ContextError
from swebench_tui.bench.git import GitError
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.predictions import (
    Prediction,
    PredictionsError,
    Provenance,
    StoredAnswer,
    StoredPatch,
    submitted_patch,
)
from swebench_tui.bench.predictions.extracted import extracted_text
from swebench_tui.bench.predictions.pick_record import pick_record
from swebench_tui.bench.prompts import PromptError
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.generation import Answer, Generation, Piece, Source, internal_error
from swebench_tui.runs.generation_state import GenerationState, Status
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.target import Target
from swebench_tui.services.generation_output import Output, stored_answer
from swebench_tui.services.generation_tally import Tally, TaskResult
from swebench_tui.services.guided import guide_for, guided_request
from swebench_tui.settings.definitions import GuidedStarter
from swebench_tui.settings.errors import SettingsError

PrepareTask = Callable[[Instance, Target], Awaitable[TaskPrompt]]
"""Makes the prompt of a task for a target. The errors of repositories and templates fail the task alone."""

_ENDS_TARGET: Final = frozenset(
    {ErrorKind.AUTH, ErrorKind.QUOTA_EXHAUSTED, ErrorKind.MODEL_NOT_FOUND, ErrorKind.BAD_ENDPOINT}
)
"""Errors that every other task of the target would run into as well."""


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a run does with answers. Without `provenance` predictions have the three official keys alone.

    `concurrency` is by target. `replace` renews predictions that were made with another prompt.
    """

    concurrency: int = 4
    max_tokens: int | None = None
    guided: GuidedStarter = "off"
    allow_partial: bool = False
    unapplied: bool = False
    replace: bool = False
    provenance: bool = True


class TargetRun:
    """A target's part of a run. `stopped` is why it began no more tasks.

    `labels` say what sets its answers apart from others of the model, such as "oracle" and "guided".
    """

    def __init__(
        self,
        target: Target,
        source: Source,
        output: Output,
        tasks: Sequence[Instance],
        *,
        labels: Sequence[str] = (),
    ) -> None:
        self.target = target
        self.source = source
        self.output = output
        self.labels = tuple(labels)
        self.tally = Tally(len(tasks))
        self.stopped = ""
        self.kept: dict[str, StoredAnswer] = {}
        """Answers on disk, by instance, of tasks in flight."""
        self.waits: dict[str, Waiting] = {}
        """Why tasks in flight wait, by instance: a rate limit, a server that cannot be reached."""
        self._tasks = iter(tasks)

    def next_task(self) -> Instance | None:
        """The next task to begin."""
        return None if self.stopped else next(self._tasks, None)


class Observer(Protocol):
    def __call__(self, run: TargetRun, result: TaskResult | None) -> None:
        """A task has begun, waits for another reason, or has ended with `result`."""
        ...


class GenerationRun:
    """Runs once, in one event loop. Cancelling `run` ends the requests; answers that have ended are kept."""

    def __init__(
        self,
        targets: Sequence[TargetRun],
        prepare: PrepareTask,
        checker: PatchChecker,
        options: RunOptions,
        observe: Observer,
    ) -> None:
        self.targets = targets
        self._prepare = prepare
        self._checker = checker
        self._options = options
        self._observe = observe
        self.stopping = False

    def stop(self) -> None:
        """Begin no more tasks, and let those in flight end."""
        self.stopping = True

    async def run(self) -> None:
        """Generate until every task has ended. Raises nothing but cancellation."""
        async with asyncio.TaskGroup() as group:
            for run in self.targets:
                for _ in range(min(self._options.concurrency, run.tally.total)):
                    group.create_task(self._work(run))

    async def _work(self, run: TargetRun) -> None:
        for task in self._tasks(run):
            run.tally.in_flight += 1
            self._observe(run, None)
            try:
                result = await self._result(run, task)
            except asyncio.CancelledError:
                kept = run.kept.get(task.instance_id)  # it may have been paid for
                self._ended(run, TaskResult(instance_id=task.instance_id, outcome="cancelled", answer=kept))
                raise
            self._ended(run, result)

    def _tasks(self, run: TargetRun) -> Iterator[Instance]:
        while not self.stopping and (task := run.next_task()) is not None:
            yield task

    def _ended(self, run: TargetRun, result: TaskResult) -> None:
        run.tally.in_flight -= 1
        run.kept.pop(result.instance_id, None)
        run.waits.pop(result.instance_id, None)
        run.tally.add(result)
        self._observe(run, result)

    async def _result(self, run: TargetRun, task: Instance) -> TaskResult:
        known = run.output.known(task.instance_id)
        if known is not None and not known.prompt_hash and not self._options.replace:
            return TaskResult(instance_id=task.instance_id, outcome="present")
        try:
            prompt = await self._prepare(task, run.target)
        except (RepositoryError, ContextError, GitError, PromptError, ProviderError, SettingsError) as error:
            hint = getattr(error, "hint", "")
            return TaskResult(instance_id=task.instance_id, outcome="failed", error=str(error), hint=hint)
        digest = prompt.hash
        if known is not None and known.prompt_hash == digest:
            return TaskResult(instance_id=task.instance_id, outcome="present")
        if known is not None and not self._options.replace:
            return _conflict(task.instance_id)
        return await self._generate(run, task, prompt, digest)

    async def _generate(self, run: TargetRun, task: Instance, prompt: TaskPrompt, digest: str) -> TaskResult:
        if (unused := run.output.unused(task.instance_id, digest)) is not None:
            return await self._predict(run, prompt, unused, recovered=True)
        answer = await self._answer(run, task, prompt, digest)
        if isinstance(answer, TaskResult):
            return answer
        return await self._predict(run, prompt, answer, recovered=False)

    async def _answer(
        self, run: TargetRun, task: Instance, prompt: TaskPrompt, digest: str
    ) -> StoredAnswer | TaskResult:
        """The model's answer, on disk; the result of the task where there is none."""
        recorder = _Recorder(run, task.instance_id, digest, prompt)
        guide = await guide_for(prompt, run.source, self._options.guided)
        request, guide = guided_request(prompt, run.source, guide, max_tokens=self._options.max_tokens)

        def changed(piece: Piece | None) -> None:
            if piece is None:
                self._note_wait(run, task.instance_id, generation.state)

        generation = Generation(run.target, request, run.source, guide=guide, recorder=recorder, observe=changed)
        await generation.run()
        state, stored = generation.state, run.kept.get(task.instance_id)
        if state.status is Status.DONE and stored is not None:
            return stored
        error = state.error
        if error is not None and error.reason == "not_saved":
            self.stop()  # nothing more is paid for that cannot be kept
        if error is not None and error.kind in _ENDS_TARGET:
            run.stopped = str(error)
        if stored is None:  # it could not be kept, and may have been paid for
            answer = Answer(target=run.target, state=state, text=generation.text, reasoning=generation.reasoning)
            stored = recorder.stored(answer)
        return TaskResult(
            instance_id=task.instance_id,
            outcome="failed",
            answer=stored,
            error=str(error or state.status.value),
            hint=error.hint if error else "",
            kind=error.kind.value if error else "",
        )

    def _note_wait(self, run: TargetRun, instance_id: str, state: GenerationState) -> None:
        wait = state.wait if state.status is Status.WAITING else None
        if wait is run.waits.get(instance_id):
            return
        if wait is None:
            del run.waits[instance_id]
        else:
            run.waits[instance_id] = wait
        self._observe(run, None)

    async def _predict(
        self, run: TargetRun, prompt: TaskPrompt, answer: StoredAnswer, *, recovered: bool
    ) -> TaskResult:
        reason = None if answer.finish_reason is None else FinishReason(answer.finish_reason)
        verdict = await self._verdict(answer.text, reason, prompt)
        options = self._options
        patch = submitted_patch(verdict, allow_partial=options.allow_partial, unapplied=options.unapplied)
        prediction = Prediction(
            instance_id=answer.instance_id,
            model_name_or_path=run.output.model,
            model_patch=patch,
            provenance=_provenance(run.target, prompt, answer, verdict) if options.provenance else None,
        )
        extracted = await asyncio.to_thread(extracted_text, answer.text)
        stored = _stored_patch(answer, verdict, extracted, submitted=bool(patch))
        try:
            torn = await run.output.keep_prediction(prediction, stored, replace=options.replace)
        except PredictionsError as error:
            self.stop()
            return TaskResult(
                instance_id=answer.instance_id, outcome="failed", answer=answer, error=str(error), hint=error.hint
            )
        return TaskResult(
            instance_id=answer.instance_id,
            outcome="predicted",
            answer=answer,
            verdict=verdict,
            recovered=recovered,
            submitted=bool(patch),
            notice="" if torn is None else f"moved a torn last line of {torn.size} bytes to {torn.moved_to}",
        )

    async def _verdict(self, text: str, reason: FinishReason | None, prompt: TaskPrompt) -> PatchVerdict:
        try:
            return await self._checker.check(text, reason, snapshot=prompt.snapshot)
        except Exception as fault:  # noqa: BLE001 - the answer is kept, whatever happens to its check
            return PatchVerdict(status="unchecked", detail=str(internal_error(fault)))


class _Recorder:
    """Keeps the answer to one task in the answers file."""

    def __init__(self, run: TargetRun, instance_id: str, digest: str, prompt: TaskPrompt) -> None:
        self._run = run
        self._instance_id = instance_id
        self._digest = digest
        self._context = prompt.mode
        self._pick = prompt.pick

    async def commit(self, answer: Answer) -> None:
        stored = self.stored(answer)
        await self._run.output.keep_answer(stored)
        self._run.kept[self._instance_id] = stored

    def stored(self, answer: Answer) -> StoredAnswer:
        """The answer as the file keeps it."""
        return stored_answer(
            answer,
            self._instance_id,
            self._digest,
            context=self._context,
            guided=answer.state.guided,
            pick=self._pick,
        )


def _conflict(instance_id: str) -> TaskResult:
    return TaskResult(
        instance_id=instance_id,
        outcome="conflict",
        error="the file has a prediction made with another prompt",
        hint="Pass --replace to request it again, or name another --output.",
    )


def _provenance(target: Target, prompt: TaskPrompt, answer: StoredAnswer, verdict: PatchVerdict) -> Provenance:
    return Provenance(
        target=str(target),
        dataset=prompt.dataset,
        revision=prompt.revision,
        context=prompt.mode,
        oracle=prompt.mode == ContextMode.ORACLE,
        guided=answer.guided,
        template="" if prompt.template is None else prompt.template.name,
        prompt_hash=answer.prompt_hash,
        temperature=target.temperature,
        status=verdict.status,
        failure=None if verdict.failure is None else str(verdict.failure),
        repairs=tuple(map(str, verdict.repairs)),
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cost=answer.cost,
        cost_estimated=answer.cost_estimated,
        pick=pick_record(prompt.pick),
    )


def _stored_patch(answer: StoredAnswer, verdict: PatchVerdict, extracted: str, *, submitted: bool) -> StoredPatch:
    return StoredPatch(
        instance_id=answer.instance_id,
        prompt_hash=answer.prompt_hash,
        status=verdict.status,
        failure=None if verdict.failure is None else str(verdict.failure),
        detail=verdict.detail,
        files=verdict.files,
        repairs=tuple(map(str, verdict.repairs)),
        extracted=extracted,
        patch=verdict.patch,
        submitted=submitted,
    )
