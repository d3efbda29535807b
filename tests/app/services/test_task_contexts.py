"""Contexts that targets share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from swebench_providers import blocking_counter
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.git import GitError
from swebench_tui.bench.prompts import Template
from swebench_tui.services import task_contexts
from swebench_tui.services.task_contexts import Job, TaskContexts, in_thread
from tests.app.bench.prompts.samples import TASK

JOB = Job(TASK, ContextMode.NONE, None, Template(), blocking_counter("gpt-5.4"))


def job(issue: str) -> Job:
    import msgspec

    return JOB._replace(instance=msgspec.structs.replace(TASK, problem_statement=issue))


async def test_equal_jobs_are_made_once_also_at_the_same_time(tmp_path: Path) -> None:
    contexts = TaskContexts(tmp_path)
    other_model = JOB._replace(counter=blocking_counter("gpt-5.1"))
    made = await asyncio.gather(*(contexts.make(each, 100) for each in (JOB, JOB, other_model)))
    assert made[0][1] is made[1][1] is made[2][1]
    for different in (JOB._replace(counter=blocking_counter("qwen3")), JOB._replace(template=Template(numbered=True))):
        assert (await contexts.make(different, 100))[1] is not made[0][1]
    assert (await contexts.make(JOB, 101))[1] is not made[0][1]


async def test_another_issue_under_the_same_id_is_another_prompt(tmp_path: Path) -> None:
    contexts = TaskContexts(tmp_path)
    assert (await contexts.make(job("one"), 9))[1] != (await contexts.make(job("two"), 9))[1]


async def test_prompts_are_kept_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_contexts, "_KEPT_CHARACTERS", 2_000)
    contexts = TaskContexts(tmp_path)
    first, second, third = (job(letter * 900) for letter in "abc")
    kept = [(await contexts.make(each, 9))[1] for each in (first, second, third)]
    assert (await contexts.make(third, 9))[1] is kept[2]
    assert (await contexts.make(first, 9))[1] is not kept[0]
    huge = job("d" * 9_000)
    made = (await contexts.make(huge, 9))[1]
    assert (await contexts.make(huge, 9))[1] is made


async def test_a_failed_job_is_tried_again(tmp_path: Path) -> None:
    contexts = TaskContexts(tmp_path)
    broken = JOB._replace(template=Template(text="{{ isue }}"))
    for _ in range(2):
        with pytest.raises(Exception, match="undefined"):
            await contexts.make(broken, 9)
    assert await contexts.make(JOB, 9)


async def test_cancelling_stops_the_thread(tmp_path: Path) -> None:
    from swebench_tui.bench.git import run_git

    started, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(cancellation: object) -> None:  # noqa: ARG001 - git reads it from the context
        loop.call_soon_threadsafe(started.set)
        try:
            while True:
                run_git(tmp_path, ["version"])
        except GitError:
            loop.call_soon_threadsafe(ended.set)
            raise

    task = asyncio.ensure_future(in_thread(work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended.wait()
