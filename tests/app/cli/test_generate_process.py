"""`swebench-tui generate` as its own process: signals, kill -9, and what is on disk afterwards."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_tui.bench.predictions import AnswersFile, StoredAnswer, check_predictions
from tests.app.cli.generating import ANSWER, instances_of, objects, predictions, start, write_dataset
from tests.fault_server import FaultServerThread, Script

TASKS = 30
FILE = "compatible__m.jsonl"


@pytest.fixture
def sigint_is_handled() -> Iterator[None]:
    """Also when the tests run in the background of a script: its shell makes all children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    write_dataset(path, TASKS)
    return path


def read_until_done(process: subprocess.Popen[bytes], count: int) -> bytes:
    """Standard output up to the event of the task that is the last of so many."""
    assert process.stdout is not None
    read = b""
    while count:
        line = process.stdout.readline()
        assert line, "the output ended"
        read += line
        count -= b'"outcome":"predicted"' in line
    return read


def requests(server: FaultServerThread) -> int:
    return sum(request.method == "POST" for request in server.server.requests)


def wait_for_requests(server: FaultServerThread, count: int) -> None:
    """Until so many answers have been requested; the model's limits are requested before."""
    received = 0
    while requests(server) < count:
        received += 1
        server.call(server.server.received(received, within=30), within=31)


def answers(folder: Path) -> list[StoredAnswer]:
    stored = AnswersFile(folder / "compatible__m.answers.jsonl").read()
    return [record for record in stored if isinstance(record, StoredAnswer)]


@pytest.mark.parametrize("done_before_kill", [1, 7, 18])
def test_a_killed_run_keeps_what_it_reported_and_continues(
    done_before_kill: int, server: FaultServerThread, dataset: Path, tmp_path: Path
) -> None:
    server.server.default = Script(ANSWER)
    with start(server, dataset, tmp_path, "--json") as process:
        reported = read_until_done(process, done_before_kill)
        process.kill()
        reported += process.stdout.read() if process.stdout else b""
    lines = reported.rpartition(b"\n")[0]
    done = instances_of(objects(lines), "predicted")
    assert len(done) >= done_before_kill
    kept = {row["instance_id"] for row in predictions(tmp_path / FILE)}
    assert done <= kept
    assert check_predictions(tmp_path / FILE).errors == 0
    answered = {answer.instance_id for answer in answers(tmp_path)}
    assert kept <= answered
    sent = requests(server)
    with start(server, dataset, tmp_path, "--json") as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    again = objects(output)
    assert instances_of(again, "present") == kept
    assert len(instances_of(again, "present") | instances_of(again, "predicted")) == TASKS
    recovered = {event["instance"] for event in again if event.get("recovered")}
    assert recovered == answered - kept
    assert requests(server) - sent == TASKS - len(answered)
    assert len(predictions(tmp_path / FILE)) == TASKS
    assert check_predictions(tmp_path / FILE).breaches == ()


def test_an_answer_without_its_patch_is_not_requested_again(
    server: FaultServerThread, dataset: Path, tmp_path: Path
) -> None:
    server.server.default = Script(ANSWER)
    with start(server, dataset, tmp_path, "--count", "3") as process:
        process.communicate(timeout=60)
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(lines[0] + lines[1][:100])
    with start(server, dataset, tmp_path, "--count", "3", "--json") as process:
        output, _ = process.communicate(timeout=60)
    events = objects(output)
    recovered = [event for event in events if event.get("recovered")]
    assert (len(recovered), requests(server)) == (2, 3)
    assert sorted(map(str, predictions(tmp_path / FILE))) == sorted(str(objects(line)[0]) for line in lines)
    begin = next(event for event in events if event["event"] == "begin")
    assert begin["torn"] == str(tmp_path / f"{FILE}.torn")
    assert (tmp_path / f"{FILE}.torn").read_bytes() == lines[1][:100] + b"\n"
    summary = events[-1]["targets"]
    assert isinstance(summary, list)
    assert (summary[0]["known_cost"], summary[0]["prompt_tokens"]) == (0, 0)  # paid for by the first run


@pytest.mark.usefixtures("sigint_is_handled")
def test_ctrl_c_waits_for_the_answers_in_flight(server: FaultServerThread, dataset: Path, tmp_path: Path) -> None:
    server.server.default = Script(ANSWER, tokens_per_second=20)
    with start(server, dataset, tmp_path, "--json", "--concurrency", "3") as process:
        wait_for_requests(server, 3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    events = objects(output)
    assert (process.returncode, errors, requests(server)) == (130, b"", 3)
    assert len(instances_of(events, "predicted")) == 3
    assert {"event": "stopping", "cancelled": False, "in_flight": 3} in events
    assert events[-1]["event"] == "summary"
    assert len(predictions(tmp_path / FILE)) == 3


@pytest.mark.usefixtures("sigint_is_handled")
def test_a_second_ctrl_c_keeps_what_had_arrived(server: FaultServerThread, dataset: Path, tmp_path: Path) -> None:
    server.server.default = Script(("first ", *(f"{n} " for n in range(1000))), tokens_per_second=20)
    with start(server, dataset, tmp_path, "--json", "--concurrency", "2") as process:
        wait_for_requests(server, 2)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        while b"stopping" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    server.call(server.server.all_closed(within=2))
    events = objects(output)
    assert (process.returncode, errors) == (130, b"")
    assert len(instances_of(events, "cancelled")) == 2
    assert [answer.state for answer in answers(tmp_path)] == ["cancelled", "cancelled"]
    assert not (tmp_path / FILE).exists()
    summary = events[-1]["targets"]
    assert isinstance(summary, list)
    assert (summary[0]["cost"], summary[0]["unpriced"]) == (None, 2)  # they may have been charged for


def test_a_closed_pipe_ends_it_and_keeps_the_answers(server: FaultServerThread, dataset: Path, tmp_path: Path) -> None:
    server.server.default = Script(ANSWER, tokens_per_second=100)
    with start(server, dataset, tmp_path, "--json") as process:
        read_until_done(process, 1)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # what `| head -1` does
        errors = process.stderr.read()
        assert process.wait(timeout=30) == 1
    assert errors == b""
    kept = {row["instance_id"] for row in predictions(tmp_path / FILE)}
    assert kept <= {answer.instance_id for answer in answers(tmp_path)}
    assert check_predictions(tmp_path / FILE).errors == 0


def test_two_processes_share_a_file(server: FaultServerThread, dataset: Path, tmp_path: Path) -> None:
    server.server.default = Script(ANSWER)
    with (
        start(server, dataset, tmp_path, "--slice", "0:15", "--json") as one,
        start(server, dataset, tmp_path, "--slice", "15:30", "--json") as other,
    ):
        for process in (one, other):
            _, errors = process.communicate(timeout=60)
            assert (process.returncode, errors) == (0, b"")
    assert len({row["instance_id"] for row in predictions(tmp_path / FILE)}) == TASKS
    assert check_predictions(tmp_path / FILE).breaches == ()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_run_keeps_what_had_arrived(
    number: signal.Signals, server: FaultServerThread, dataset: Path, tmp_path: Path
) -> None:
    server.server.default = Script(("first ", *(f"{n} " for n in range(1000))), tokens_per_second=20)
    with start(server, dataset, tmp_path, "--json", "--concurrency", "2") as process:
        wait_for_requests(server, 2)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + number, b"")
    assert objects(output)[-1]["event"] == "summary"
    assert [answer.state for answer in answers(tmp_path)] == ["cancelled", "cancelled"]


def test_a_full_disk_ends_the_run_and_every_cost_counts(
    server: FaultServerThread, dataset: Path, tmp_path: Path
) -> None:
    server.server.default = Script(ANSWER)
    with start(server, dataset, tmp_path, "--json", "--concurrency", "3", largest_file=8_192) as process:
        output, errors = process.communicate(timeout=60)
    events = objects(output)
    predicted, failed = instances_of(events, "predicted"), instances_of(events, "failed")
    assert (process.returncode, errors) == (1, b"")
    assert 1 <= len(failed) <= 3
    assert len(predicted) + len(failed) == requests(server) < TASKS
    summary = events[-1]["targets"]
    assert isinstance(summary, list)
    assert (summary[0]["unpriced"], summary[0]["cost"]) == (requests(server), None)
    assert {row["instance_id"] for row in predictions(tmp_path / FILE)} == predicted
