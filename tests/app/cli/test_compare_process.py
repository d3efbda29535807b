"""`python -m swebench_tui compare` as its own process: signals, pipes, and the embedded model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench import datasets
from tests.fault_server import FaultServerThread, Script, failing

COMPARE = (sys.executable, "-m", "swebench_tui", "compare")
TWO_COLUMNS = ("-t", "compatible:a", "-t", "compatible:b", "--prompt", "Why?")
SLOW = Script(("first ", *(f"{n} " for n in range(1000))), tokens_per_second=20)


@pytest.fixture
def sigint_is_handled() -> Iterator[None]:
    """Also when the tests run in the background of a script: its shell makes all children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of the first column has a price."""
    folder = tmp_path / "swebench-tui"
    folder.mkdir()
    (folder / "prices.toml").write_text("[compatible.a]\ninput = 10\noutput = 10\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def start(server: FaultServerThread, *arguments: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "COMPATIBLE_BASE_URL": server.base_url}
    return subprocess.Popen(
        [*COMPARE, *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )


def objects(output: bytes) -> list[dict[str, object]]:
    return [msgspec.json.decode(line, type=dict[str, object]) for line in output.split(b"\n") if line]


def read_until(process: subprocess.Popen[bytes], wanted: bytes, times: int) -> bytes:
    """Standard output up to the line that contains `wanted` for the last of so many times."""
    assert process.stdout is not None
    read = b""
    while times:
        line = process.stdout.readline()
        assert line, f"the output ended before {wanted!r}"
        read += line
        times -= wanted in line
    return read


def test_answers_are_on_standard_output_before_the_process_ends(server: FaultServerThread) -> None:
    server.server.by_model = {"a": Script("fine"), "b": failing(503)}
    with start(server, *TWO_COLUMNS, "--json") as process:
        output, errors = process.communicate(timeout=30)
    done = {event["column"]: event["state"] for event in objects(output) if event["event"] == "done"}
    assert (process.returncode, done, errors) == (1, {0: "done", 1: "failed"}, b"")


@pytest.mark.usefixtures("sigint_is_handled", "priced")
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_ctrl_c_keeps_the_text_and_closes_the_connections(server: FaultServerThread, *, as_json: bool) -> None:
    server.server.default = SLOW
    with start(server, *TWO_COLUMNS, *(["--json"] if as_json else [])) as process:
        if as_json:
            read = read_until(process, b'"text":"first "', 2)
        else:
            server.call(server.server.received(2, within=30), within=31)
            read = b""
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
        took = time.monotonic() - began
    server.call(server.server.all_closed(within=2))
    assert process.returncode in {1, 130}
    assert took < 2
    assert b"Traceback" not in errors
    assert errors.endswith(b"Aborted!\n")
    if as_json:
        done = [event for event in objects(read + rest) if event["event"] == "done"]
        assert {(event["column"], event["state"]) for event in done} == {(0, "cancelled"), (1, "cancelled")}
        assert all(str(event["text"]).startswith("first ") and event["complete"] is False for event in done)
        costs = {event["column"]: event["cost"] for event in done}
        assert float(str(costs[0])) > 0
        assert costs[1] is None
    else:
        assert rest.count("· cancelled ·".encode()) == 2


def test_a_closed_pipe_ends_it_without_a_message(server: FaultServerThread) -> None:
    server.server.default = Script(("first ", *(f"{n} " for n in range(1000))), tokens_per_second=200)
    with start(server, *TWO_COLUMNS, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()  # what `| head -1` does
        errors = process.stderr.read()
        assert process.wait(timeout=30) == 1
    assert errors == b""
    server.call(server.server.all_closed(within=2))


def test_the_embedded_model_answers_a_starter_task_in_two_columns() -> None:
    task = min(
        datasets.load("starter").instances, key=lambda task: len(task.problem_statement)
    )  # it reads 100 tokens a second
    arguments = "-t", "embedded", "-t", "embedded:smollm2", "--dataset", "starter", "--instance", task.instance_id
    done = subprocess.run(
        [*COMPARE, *arguments, "--no-guided", "--max-tokens", "16", "--temperature", "0", "--json"],
        capture_output=True,
        check=False,
    )
    lines = objects(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    outcomes = [event for event in lines if event["event"] == "done"]
    assert sorted(str(event["target"]) for event in outcomes) == ["embedded", "embedded:smollm2"]
    for outcome in outcomes:
        usage = msgspec.convert(outcome["usage"], dict[str, object])
        assert (outcome["model"], outcome["cost"], outcome["state"]) == ("smollm2", 0.0, "done")
        assert outcome["text"] == "".join(
            str(event["text"]) for event in lines if event["event"] == "delta" and event["column"] == outcome["column"]
        )
        assert outcome["text"]
        assert (usage["source"], usage["completion_tokens"]) == ("exact", 16)
        assert (outcome["finish_reason"], outcome["complete"], outcome["guided"]) == ("length", False, False)
        assert msgspec.convert(outcome["patch"], dict[str, object])["status"] != "applies"
    notices = [str(event["message"]) for event in lines if event["event"] == "notice"]
    assert any("embedded model" in notice for notice in notices)


def test_the_embedded_model_is_guided_to_patches_that_apply() -> None:
    tasks = sorted(datasets.load("starter").instances, key=lambda task: len(task.problem_statement))[:2]
    instances = [argument for task in tasks for argument in ("--instance", task.instance_id)]
    command = [*COMPARE, "-t", "embedded", "--dataset", "starter", *instances]
    done = subprocess.run([*command, "--json"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    outcomes = [event for event in objects(done.stdout) if event["event"] == "done"]
    assert [outcome["instance"] for outcome in outcomes] == [task.instance_id for task in tasks]
    for outcome in outcomes:
        patch = msgspec.convert(outcome["patch"], dict[str, object])
        assert (patch["status"], outcome["finish_reason"], outcome["guided"]) == ("applies", "stop", True)
    again = subprocess.run([*command[: -len(instances)], *instances[:2]], capture_output=True, check=False, text=True)
    assert "── embedded · done, guided · " in again.stdout
    assert "→ patch applies, guided (" in again.stdout
