"""A generation run: how many tasks at once, and what ends it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from swebench_providers import ErrorKind, ProviderError
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.prompts import PromptError
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.generation_output import Output
from swebench_tui.services.generation_run import GenerationRun, PrepareTask, RunOptions, TargetRun
from swebench_tui.services.generation_tally import TaskResult
from tests.app.scripted import Gate, ScriptedProvider, ScriptedSource, Step, finished, text

TASKS = [Instance(repo="a/b", instance_id=f"t{n}", base_commit="0", problem_statement=f"Issue {n}") for n in range(9)]


async def prepare(instance: Instance, target: Target) -> TaskPrompt:  # noqa: ARG001 - the same for all
    return TaskPrompt(title=instance.instance_id, prompt=instance.problem_statement, instance=instance)


class Observed:
    """Runs tasks at a scripted provider. `most` is the largest number in flight."""

    def __init__(self, folder: Path, *steps: Step, prepare: PrepareTask = prepare, at_once: int = 3) -> None:
        self.provider = ScriptedProvider(*steps)
        self.results: list[TaskResult] = []
        self.most = 0
        output = Output(folder / "p.jsonl", "m")
        self.target = TargetRun(parse_target("acme:m"), ScriptedSource(self.provider), output, TASKS)
        self._checker = PatchChecker()
        options = RunOptions(concurrency=at_once)
        self.run = GenerationRun([self.target], prepare, self._checker, options, self._changed)

    def _changed(self, run: TargetRun, result: TaskResult | None) -> None:
        self.most = max(self.most, run.tally.in_flight)
        if result is not None:
            self.results.append(result)

    async def finish(self) -> None:
        with closing(self._checker):
            await self.run.run()


@pytest.mark.parametrize("at_once", [1, 3, 20])
async def test_no_more_than_the_limit_are_in_flight(at_once: int, tmp_path: Path) -> None:
    observed = Observed(tmp_path, text("No patch."), finished(), at_once=at_once)
    await observed.finish()
    assert observed.most == min(at_once, len(TASKS))
    assert observed.target.tally.outcomes == {"predicted": len(TASKS)}
    assert observed.target.tally.in_flight == 0


async def test_after_a_stop_only_those_in_flight_end(tmp_path: Path) -> None:
    gate, arrived = Gate(), asyncio.Semaphore(0)
    observed = Observed(tmp_path, arrived.release, gate, text("No patch."), finished())
    running = asyncio.ensure_future(observed.finish())
    for _ in range(3):
        await arrived.acquire()
    observed.run.stop()
    gate.open()
    await running
    assert len(observed.provider.requests) == observed.target.tally.ended == 3
    assert set(observed.target.output.predictions.known) == {"t0", "t1", "t2"}


@pytest.mark.parametrize(
    ("kind", "requests"), [(ErrorKind.AUTH, 1), (ErrorKind.MODEL_NOT_FOUND, 1), (ErrorKind.CONTEXT_OVERFLOW, 9)]
)
async def test_an_error_that_all_tasks_share_ends_the_target(kind: ErrorKind, requests: int, tmp_path: Path) -> None:
    observed = Observed(tmp_path, ProviderError(kind, "no", hint="Do."), at_once=1)
    await observed.finish()
    assert len(observed.provider.requests) == observed.target.tally.outcomes["failed"] == requests
    assert bool(observed.target.stopped) == (requests == 1)
    assert observed.target.tally.without_prediction == len(TASKS)


async def test_a_prompt_that_cannot_be_made_fails_its_task_alone(tmp_path: Path) -> None:
    async def refuse_one(instance: Instance, target: Target) -> TaskPrompt:
        if instance.instance_id == "t4":
            raise PromptError("no such repository", hint="Fetch it.")
        return await prepare(instance, target)

    observed = Observed(tmp_path, text("No patch."), finished(), prepare=refuse_one)
    await observed.finish()
    (failed,) = (result for result in observed.results if result.outcome == "failed")
    assert (failed.instance_id, failed.error, failed.hint) == ("t4", "no such repository", "Fetch it.")
    assert observed.target.tally.outcomes["predicted"] == len(TASKS) - 1
