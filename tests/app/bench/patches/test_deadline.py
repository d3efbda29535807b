"""A verdict ends at its time limit."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.git import GitError, git_time_limit, run_git
from swebench_tui.bench.patches import Failure, judge
from swebench_tui.bench.patches.deadline import TimeLimitError, check_time, time_limit
from tests.app.bench.patches.sample import BLOCK, FILES, HEADER, ONE, fence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.app.bench.patches.conftest import MakeRepo


def ticking(step: float) -> Callable[[], float]:
    """A clock that goes on by `step` seconds each time it is read."""
    ticks = count()
    return lambda: next(ticks) * step


@pytest.mark.parametrize("answer", [fence(ONE), f"app/x.py\n{BLOCK}", f"{HEADER}{ONE}", "app/x.py\n```\nx\n```\n"])
def test_a_verdict_that_takes_too_long_is_unchecked(answer: str, make_repo: MakeRepo) -> None:
    repo = make_repo(FILES)
    verdict = judge(answer, snapshot=repo.snapshot, seconds=2, clock=ticking(3))
    assert (verdict.status, verdict.failure, verdict.patch) == ("unchecked", Failure.TIMED_OUT, "")
    assert verdict.detail == "not checked: the verdict took longer than 2 s"
    assert judge(answer, snapshot=repo.snapshot, seconds=1000, clock=ticking(1)).failure is not Failure.TIMED_OUT


def test_the_limit_ends_with_its_block() -> None:
    with pytest.raises(TimeLimitError), time_limit(1, ticking(2)):
        check_time()
    check_time()


def test_git_gets_no_more_than_the_time_that_is_left(
    tmp_path: Path, make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = tmp_path / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    hanging.chmod(0o755)
    repo = make_repo(FILES)
    monkeypatch.setenv("PATH", str(hanging.parent))
    with git_time_limit(lambda: 0.2), pytest.raises(GitError, match=r"did not finish within 0\.2 s"):
        run_git(tmp_path, ["status"])
    verdict = judge(fence(ONE), snapshot=repo.snapshot, seconds=0.3)
    assert (verdict.status, verdict.failure) == ("unchecked", Failure.TIMED_OUT)
