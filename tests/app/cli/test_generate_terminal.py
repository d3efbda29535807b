"""`swebench-tui generate` on a terminal: progress in place, and the question before requests that cost money."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from swebench_providers import ModelPrice
from swebench_tui.bench.instance import Instance
from swebench_tui.cli.generate_confirmation import estimate_lines
from swebench_tui.cli.generate_lines import cost_text, progress_lines
from swebench_tui.runs.target import parse_target
from swebench_tui.services.generation_estimate import RunEstimate
from swebench_tui.services.generation_output import Output
from swebench_tui.services.generation_run import TargetRun
from swebench_tui.services.generation_tally import Tally, TaskResult
from tests.app.cli.generating import ANSWER, GENERATE, predictions, write_dataset
from tests.app.scripted import SPEC, ScriptedProvider, ScriptedSource
from tests.fault_server import FaultServerThread, Script

PRICES = "[compatible.m]\ninput = 2\noutput = 10\n"


class Terminal:
    """A process on a pseudo terminal of 80 columns."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ)
        os.close(slave)
        self.text = ""

    def read_until(self, wanted: str) -> None:
        while wanted not in self.text:
            assert self._read(), f"the output ended before {wanted!r}: {self.text}"

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._master)
        return self._process.wait(timeout=60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 60)
        assert ready, f"nothing came within a minute: {self.text}"
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.text += data.decode()
        return bool(data)


@pytest.fixture
def terminal(server: FaultServerThread, tmp_path: Path) -> Terminal:
    """A run of two tasks with a model that costs money."""
    server.server.default = Script(ANSWER, tokens_per_second=20)
    write_dataset(tmp_path / "tasks.jsonl", 2)
    config = tmp_path / "config" / "swebench-tui"
    config.mkdir(parents=True)
    (config / "prices.toml").write_text(PRICES)
    environ = {**os.environ, "COMPATIBLE_BASE_URL": server.base_url, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [*GENERATE, "-t", "compatible:m", "--dataset", str(tmp_path / "tasks.jsonl")]
    command += ["--output", str(tmp_path / "p.jsonl"), "--concurrency", "1"]
    return Terminal(command, environ | {"COLUMNS": "80", "TERM": "xterm"})


def sent(server: FaultServerThread) -> int:
    return sum(request.method == "POST" for request in server.server.requests)


def test_a_paid_run_shows_its_price_and_waits(terminal: Terminal, server: FaultServerThread, tmp_path: Path) -> None:
    terminal.read_until("Send these requests? [y/N]")
    assert re.search(r"compatible:m: 2 tasks, prompts of about \d+ tokens \(from 2\)", terminal.text)
    assert re.search(r"prompts about \$0\.00\d+, answers \$0\.0100 for 1,000 tokens", terminal.text)
    assert sent(server) == 0
    terminal.type("y\n")
    assert terminal.end() == 0
    assert len(predictions(tmp_path / "p.jsonl")) == sent(server) == 2
    assert "Cost: $0.0003" in terminal.text


def test_no_sends_nothing(terminal: Terminal, server: FaultServerThread, tmp_path: Path) -> None:
    terminal.read_until("[y/N]")
    terminal.type("n\n")
    assert terminal.end() == 1
    assert (sent(server), (tmp_path / "p.jsonl").exists()) == (0, False)


def test_progress_is_one_line_that_is_drawn_in_place(terminal: Terminal) -> None:
    terminal.read_until("[y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert re.search(
        r"\x1b\[1F\x1b\[Jcompatible:m  1/2 done  1 not checked  1 running  \$0\.\d+  eta \d+s", terminal.text
    )
    assert terminal.text.rindex("\x1b[1F\x1b[J") < terminal.text.index("  Tasks: 2 predicted")


def test_live_lines_are_aligned_and_have_short_names() -> None:
    runs = [run_of("a:model-with-a-long-name/that-goes-on-and-on"), run_of("ollama:b", free=True)]
    runs[0].tally.add(TaskResult(instance_id="x", outcome="failed", answer=None))
    runs[0].tally.in_flight = 512
    runs[0].tally.cost, runs[0].tally.priced = Decimal("1.25"), 1
    lines = progress_lines(runs, 65.0)
    assert lines == [
        "a:model-with-a-long-name/that-g…  1/300 done  0 apply  1 failed  512 running  $1.25  eta 5h23m",
        "ollama:b                          0/300 done  0 apply  free",
    ]


@pytest.mark.parametrize(
    ("priced", "unpriced", "cost", "text"),
    [
        (0, 0, "0", "no charge"),
        (0, 3, "0", "3 of unknown price"),
        (2, 3, "0.5", "at least $0.5000, 3 of unknown price"),
        (2, 0, "0.5", "$0.5000"),
        (2, 0, "0", "$0.00"),
    ],
)
def test_an_unknown_cost_is_never_zero(priced: int, unpriced: int, cost: str, text: str) -> None:
    tally = Tally(9)
    tally.priced, tally.unpriced, tally.cost = priced, unpriced, Decimal(cost)
    assert cost_text(tally, free=False) == text


def run_of(target: str, *, free: bool = False) -> TargetRun:
    spec = msgspec.structs.replace(SPEC, price="free") if free else SPEC
    source = ScriptedSource(ScriptedProvider(spec=spec))
    output = Output(Path("nowhere.jsonl"), "m")
    tasks = [Instance(repo="r", instance_id=str(n), base_commit="c", problem_statement="p") for n in range(300)]
    return TargetRun(parse_target(target), source, output, tasks)


def test_an_unknown_price_is_said() -> None:
    estimate = RunEstimate(tasks=300, sampled=3, prompt_tokens=11_000, prompts=None, answers=None)
    assert list(estimate_lines("a:b", estimate)) == [
        "a:b: 300 tasks, prompts of about 11,000 tokens (from 3)",
        "  price unknown",
    ]


def test_a_known_price_is_for_all_tasks() -> None:
    price = ModelPrice(input=Decimal(1), output=Decimal(5))
    estimate = RunEstimate(tasks=1, sampled=1, prompt_tokens=10, prompts=Decimal("0.5"), answers=price.output / 1000)
    assert list(estimate_lines("a:b", estimate))[1] == "  prompts about $0.5000, answers $0.0050 for 1,000 tokens"
