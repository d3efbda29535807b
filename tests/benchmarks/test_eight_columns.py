"""The benchmark of streaming columns measures keys, CPU and text, and fails otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from tests.benchmarks import eight_columns
from tests.benchmarks.eight_columns import Measurement, main
from tests.benchmarks.not_measured import NotMeasuredError

SMALL = ["--columns", "2", "--rate", "20", "--seconds", "2", "--size", "100x30"]
MEASURED = Measurement(
    columns=2, rate=9.0, size="100x30", latencies=[0.1, 0.2], cpu=0.1, gap=0.2, offered=50, arrived=50, shown=50
)


def test_a_small_run_answers_keys_and_shows_all_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--json"]) == 0
    measured = msgspec.json.decode(capsys.readouterr().out, type=Measurement)
    assert all(0 < latency < 3 for latency in measured.latencies)
    assert 0 < measured.cpu < 2
    assert measured.offered > 200


def test_a_key_whose_mark_is_never_drawn_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(eight_columns, "MARK", b"never drawn %05d")
    monkeypatch.setattr(eight_columns, "KEY_LIMIT", 0.2)
    assert main(SMALL) == 1
    assert capsys.readouterr().err == "not measured: b'never drawn 00001' was not written within 0.2 s\n"


@pytest.mark.parametrize("changes", [{"latencies": [0.1]}, {"cpu": 0.0}, {"arrived": 49}, {"shown": 49}])
def test_a_figure_that_stands_for_nothing_is_an_error(changes: Mapping[str, object]) -> None:
    MEASURED.check()
    with pytest.raises(NotMeasuredError):
        msgspec.structs.replace(MEASURED, **changes).check()
