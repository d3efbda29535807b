"""What `compare` prints of columns that no server could be made to show."""

from __future__ import annotations

import msgspec
import pytest

from swebench_providers import Attempt, AttemptFailed, ErrorKind, ProviderError
from swebench_tui.bench.task import custom_prompt
from swebench_tui.cli.compare_output import JSONLines, Printer, Text
from swebench_tui.runs.column import Column
from swebench_tui.runs.target import Target
from tests.app.runs.observed import REQUEST, Ticking
from tests.app.scripted import ScriptedProvider, ScriptedSource, charge, finished, text

BROKEN = ProviderError(ErrorKind.INCOMPLETE, "it broke off", hint="Run it again.")
RESTARTED = ScriptedProvider(
    Attempt(provider="acme", model="m", time=1.0),
    text("half", 1.5),
    charge("0.01", exact=False),
    AttemptFailed(provider="acme", model="m", error=BROKEN, time=2.0),
    Attempt(provider="acme", model="m", time=3.0),
    text("whole", 3.25),
    charge("0.02"),
    finished(time=4.0),
)


async def printed(printer: Printer, capsys: pytest.CaptureFixture[str]) -> str:
    """Standard output of a column whose first attempt failed after some text."""
    source = ScriptedSource(RESTARTED)
    column = Column(Target(provider="acme", model="m"), REQUEST, source, observe=printer.changed, now=Ticking())
    printer.begin([custom_prompt("Why?")], [column])
    await column.run()
    return capsys.readouterr().out


async def test_a_failed_attempt_is_a_reset_between_the_deltas(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (await printed(JSONLines(), capsys)).splitlines()
    events = [msgspec.json.decode(line, type=dict[str, object]) for line in lines]
    assert [event.get("text", event["event"]) for event in events if event["event"] != "state"] == [
        *("half", "reset", "whole", "whole"),
    ]
    done = events[-1]
    assert (done["event"], done["cost"], done["cost_estimated"]) == ("done", 0.03, True)
    assert (done["ttft_ms"], done["latency_ms"], done["waited_ms"]) == (250, 1000, 3000)


async def test_only_the_text_of_the_last_attempt_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output = await printed(Text(), capsys)
    assert "\nwhole\n" in output
    assert "half" not in output
