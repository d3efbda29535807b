"""The soak test measures a run in which everything happens that it is about, and fails otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks.not_measured import NotMeasuredError
from tests.benchmarks.soak import SMALL, Plan, Sample, Soak, main, soak
from tests.fault_server import FaultServer, Script

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BRIEF = Plan(seconds=0.2, in_flight=4, sample_every=0.1, judges_growth=False)
SAMPLE = Sample(elapsed=60.0, done=9, rss_mb=50.0, server_mb=50.0, tasks=9, files=9, objects=900, kinds={"Route": 9})


def test_a_small_run_measures_and_leaves_nothing_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--small"], small=msgspec.structs.replace(SMALL, seconds=2.0)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert sum(" a second" in line for line in printed) == 2
    assert printed[-1] == "VERDICT: flat; left over: nothing"


def test_a_run_without_samples_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--small"], small=msgspec.structs.replace(BRIEF, seconds=0.0)) == 2
    assert capsys.readouterr().err == "not measured: missing: two samples\n"


async def test_a_run_without_failures_is_not_measured(tmp_path: Path) -> None:
    async with FaultServer(Script("Hello.")) as server:
        with pytest.raises(NotMeasuredError, match="a failed attempt"):
            await soak(BRIEF, tmp_path, [server.base_url] * 2)


async def test_a_run_without_answers_is_not_measured(tmp_path: Path) -> None:
    async with FaultServer(Script(status=401)) as server:
        with pytest.raises(NotMeasuredError, match="an answer of the first provider"):
            await soak(BRIEF, tmp_path, [server.base_url] * 2)


async def test_growth_beyond_the_allowance_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Soak(BRIEF, tmp_path, ["http://127.0.0.1:1"] * 2)
    try:
        last = msgspec.structs.replace(SAMPLE, elapsed=600.0, rss_mb=61.0, tasks=29, kinds={"Route": 12})
        assert run._grown([SAMPLE, msgspec.structs.replace(last, rss_mb=59.0)]) == []
        assert run._grown([SAMPLE, last]) == ["rss_mb"]
    finally:
        run.close()
    assert "objects that became more: Route +3" in capsys.readouterr().out


def test_a_run_below_a_minute_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--minutes", "0.5"])
    assert "nothing to compare before the first minute" in capsys.readouterr().err
