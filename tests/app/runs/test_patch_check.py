"""Patch checks: bounded, apart from everything else that blocks, and cancellable."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swebench_providers import FinishReason
from swebench_tui.bench.git import GitError, run_git
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.repositories.snapshot import FolderSnapshot, Snapshot
from swebench_tui.runs.patch_check import PatchChecker


class Held:
    """A judge that returns when it is released, and knows which answers it has seen."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.began = threading.Semaphore(0)
        self.answers: list[str] = []
        self.reasons: list[str | None] = []

    def __call__(self, answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None) -> PatchVerdict:
        self.answers.append(answer)
        self.reasons.append(finish_reason)
        self.began.release()
        assert self.released.wait(10)
        return PatchVerdict(status="applies", detail=repr(snapshot))

    async def begun(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self.began.acquire, timeout=10)


@pytest.fixture
def held() -> Iterator[Held]:
    judge = Held()
    yield judge
    judge.released.set()


async def test_no_more_checks_run_than_there_are_workers(held: Held) -> None:
    checker = PatchChecker(2, judge=held)
    checks = [asyncio.create_task(checker.check(f"answer {n}", snapshot=None)) for n in range(5)]
    await held.begun(2)
    assert len(held.answers) == 2
    held.released.set()
    verdicts = await asyncio.gather(*checks)
    assert [verdict.status for verdict in verdicts] == ["applies"] * 5
    assert sorted(held.answers) == [f"answer {n}" for n in range(5)]


async def test_a_check_blocks_neither_the_loop_nor_its_default_executor(held: Held) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    checker = PatchChecker(1, judge=held)
    check = asyncio.create_task(checker.check("answer", FinishReason.STOP, snapshot=FolderSnapshot(Path("repo"))))
    await held.begun(1)
    assert await asyncio.to_thread(lambda: "not blocked") == "not blocked"
    held.released.set()
    assert (await check).detail == repr(FolderSnapshot(Path("repo")))
    assert held.reasons == ["stop"]


async def test_a_cancelled_check_in_line_never_begins(held: Held) -> None:
    checker = PatchChecker(1, judge=held)
    running, waiting = (asyncio.create_task(checker.check(answer, snapshot=None)) for answer in ("first", "second"))
    await held.begun(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held.released.set()
    await running
    assert held.answers == ["first"]


async def test_a_cancelled_check_that_runs_is_not_waited_for(held: Held) -> None:
    checker = PatchChecker(1, judge=held)
    check = asyncio.create_task(checker.check("answer", snapshot=None))
    await held.begun(1)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    checker.close()
    assert not held.released.is_set()


async def test_cancelling_a_check_kills_its_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = tmp_path / "began", threading.Event()
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\ntouch {began}\nexec sleep 3600\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def judge(answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None) -> PatchVerdict:
        try:
            run_git(tmp_path, ["version"])
        except GitError as error:
            return PatchVerdict(status="unchecked", detail=f"{answer} {snapshot} {finish_reason} {error}")
        finally:
            ended.set()
        pytest.fail("git was not killed")

    check = asyncio.create_task(PatchChecker(judge=judge).check("answer", snapshot=None))
    while not began.exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    assert await asyncio.to_thread(ended.wait, 5)


async def test_an_answer_without_a_patch_is_judged_for_real() -> None:
    checker = PatchChecker()
    verdict = await checker.check("I cannot help with that.", snapshot=None)
    checker.close()
    assert verdict.status == "no_patch"
