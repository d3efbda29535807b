"""`swebench-tui generate`: usage, files, what is requested again, and the summary."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.app.cli.generating import ANSWER, DIFF, Object, predictions, write_dataset
from tests.fault_server import Ending, FaultServerThread, Script, failing

FILE = "compatible__m.jsonl"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    write_dataset(path, 3)
    return path


class Generate:
    """Runs the command over the dataset, with its output in a folder."""

    def __init__(self, server: FaultServerThread, dataset: Path, output: Path) -> None:
        self.server, self.dataset, self.output = server, dataset, output

    def __call__(self, *arguments: str, target: str = "compatible:m", yes: bool = True) -> Result:
        command = ["generate", "-t", target, "--dataset", str(self.dataset), *(["--yes"] if yes else []), *arguments]
        if "--output" not in arguments:
            command += ["--output", str(self.output)]
        environ = {"COMPATIBLE_BASE_URL": self.server.base_url, "OLLAMA_HOST": self.server.base_url}
        return CliRunner().invoke(main, command, env=environ)

    def events(self, *arguments: str) -> list[Object]:
        done = self(*arguments, "--json")
        return [msgspec.json.decode(line, type=Object) for line in done.stdout.splitlines()]

    @property
    def requests(self) -> int:
        return sum(request.method == "POST" for request in self.server.server.requests)

    @property
    def file(self) -> Path:
        return self.output / FILE


@pytest.fixture
def generate(server: FaultServerThread, dataset: Path, tmp_path: Path) -> Generate:
    server.server.default = Script(ANSWER)
    return Generate(server, dataset, tmp_path / "out")


def test_predictions_and_answers_are_written_side_by_side(generate: Generate) -> None:
    done = generate()
    assert done.exit_code == 0
    rows = predictions(generate.file)
    assert [row["model_patch"] for row in rows] == [DIFF] * 3
    assert {row["model_name_or_path"] for row in rows} == {"compatible/m"}
    assert sorted(str(row["instance_id"]) for row in rows) == [f"acme__tool-{number}" for number in range(3)]
    provenance = msgspec.convert(rows[0]["provenance"], Object)
    expected = {"target": "compatible:m", "status": "unchecked", "context": "none", "oracle": False, "guided": False}
    assert expected.items() <= provenance.items()
    assert (provenance["cost"], provenance["finish_reason"], provenance["completion_tokens"]) == (None, "stop", 14)
    assert str(provenance["revision"]).startswith("sha256:")
    stored = predictions(generate.output / "compatible__m.answers.jsonl")
    assert sorted(str(row["record"]) for row in stored) == ["answer"] * 3 + ["patch"] * 3
    assert {row["text"] for row in stored if row["record"] == "answer"} == {ANSWER}
    patch = next(row for row in stored if row["record"] == "patch")
    assert (patch["extracted"], patch["patch"], patch["repairs"], patch["submitted"]) == (DIFF[:-1], DIFF, [], True)


def test_the_summary_never_shows_an_unknown_cost_as_zero(generate: Generate) -> None:
    done = generate()
    assert "  Patches: 3 not checked\n" in done.stdout
    assert "  Tasks: 3 predicted\n" in done.stdout
    assert "  Cost: 3 of unknown price. Tokens: 33 in, 42 out\n" in done.stdout
    assert "$0" not in done.output


def test_the_summary_says_how_to_score(generate: Generate) -> None:
    done = generate()
    assert f"  Score: swebench eval {generate.dataset} -p {generate.file} --run-id compatible__m-" in done.stdout


def test_json_ends_with_the_summary(generate: Generate) -> None:
    *_, summary = generate.events()
    (target,) = msgspec.convert(summary["targets"], list[Object])
    counts = {"tasks": 3, "predicted": 3, "failed": 0, "submitted": 3, "cost": None, "unpriced": 3}
    assert summary["event"] == "summary"
    assert counts.items() <= target.items()


def test_what_is_there_is_not_requested_again(generate: Generate) -> None:
    generate("--count", "2")
    before = generate.file.read_bytes()
    done = generate()
    assert (done.exit_code, generate.requests) == (0, 3)
    assert generate.file.read_bytes().startswith(before)
    assert "  Tasks: 1 predicted, 2 predicted before\n" in done.stdout


def test_a_failed_task_has_no_prediction_and_is_requested_again(generate: Generate) -> None:
    generate.server.server.by_text = {"Issue acme__tool-1.": failing(400, "no")}
    done = generate()
    assert done.exit_code == 1
    assert [row["instance_id"] for row in predictions(generate.file)] != ["acme__tool-1"]
    assert "  Tasks: 2 predicted, 1 failed\n" in done.stdout
    assert "Run the same command again" in done.stdout
    generate.server.server.by_text = {}
    assert generate().exit_code == 0
    assert len(predictions(generate.file)) == 3


def test_an_answer_that_broke_off_is_no_prediction(generate: Generate) -> None:
    generate.server.server.default = Script(ANSWER, ending=Ending.TRUNCATED, after=3, finish_reason="stop")
    events = generate.events("--count", "1")
    (task,) = (event for event in events if event["event"] == "task")
    error = msgspec.convert(task["error"], Object)
    assert (task["outcome"], error["kind"]) == ("failed", "incomplete")
    assert not generate.file.exists()


@pytest.mark.parametrize(("text", "finish"), [("I cannot help.", "stop"), ("", "stop"), (ANSWER[:30], "length")])
def test_an_answer_without_a_patch_is_an_empty_prediction(text: str, finish: str, generate: Generate) -> None:
    generate.server.server.default = Script(text or " ", finish_reason=finish)
    assert generate().exit_code == 0
    assert [row["model_patch"] for row in predictions(generate.file)] == [""] * 3


def test_a_wrong_key_ends_the_target_at_once(generate: Generate) -> None:
    write_dataset(generate.dataset, 50)
    generate.server.server.default = failing(401, "wrong key")
    done = generate("--concurrency", "2")
    assert done.exit_code == 1
    assert generate.requests <= 4
    assert "Stopped: " in done.stdout
    assert "not started" in done.stdout


def test_another_prompt_is_a_conflict_until_replaced(generate: Generate) -> None:
    generate()
    rows = predictions(generate.file)
    for row in rows:
        row["provenance"] = {"prompt_hash": "of another prompt"}
    old = "".join(f"{json.dumps(row)}\n" for row in rows)
    generate.file.write_text(old)
    refused = generate()
    assert (refused.exit_code, generate.requests, generate.file.read_text()) == (1, 3, old)
    assert "3 of another prompt" in refused.stdout
    assert "--replace" in refused.stderr
    (generate.output / "compatible__m.answers.jsonl").unlink()
    replaced = generate("--replace")
    assert (replaced.exit_code, generate.requests) == (0, 6)
    assert len(predictions(generate.file)) == 3
    assert "of another prompt" not in generate.file.read_text()


def test_without_provenance_there_are_three_keys(generate: Generate) -> None:
    generate("--no-provenance")
    keys = {"instance_id", "model_name_or_path", "model_patch"}
    assert {frozenset(row) for row in predictions(generate.file)} == {frozenset(keys)}
    assert (generate("--no-provenance").exit_code, generate.requests) == (0, 3)


def test_an_output_that_is_a_file_holds_the_one_target(generate: Generate, tmp_path: Path) -> None:
    path = tmp_path / "here" / "preds.jsonl"
    assert generate("--output", str(path)).exit_code == 0
    assert len(predictions(path)) == 3
    assert (tmp_path / "here" / "preds.answers.jsonl").exists()


def test_two_targets_write_two_files(generate: Generate) -> None:
    done = generate("-t", "ollama:b")
    assert done.exit_code == 0
    assert len(predictions(generate.file)) == len(predictions(generate.output / "ollama__b.jsonl")) == 3
    assert "ollama:b: " in done.stdout
    assert "  Cost: free. " in done.stdout


def test_paid_requests_need_yes_without_a_terminal(generate: Generate) -> None:
    done = generate(yes=False)
    assert (done.exit_code, generate.requests) == (2, 0)
    assert "--yes" in done.stderr
    assert generate(target="ollama:b", yes=False).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-t", "compatible:m"), "is named twice"),
        (("-t", "ollama:b", "--output", "x.jsonl"), "of one model: name a folder"),
        (("--base-url", "openai=http://a"), "which is the provider of no target"),
        (("--concurrency", "0"), "--concurrency"),
        (("--filter", "("), "--filter"),
    ],
)
def test_a_usage_error_sends_nothing(arguments: tuple[str, ...], message: str, generate: Generate) -> None:
    done = generate(*arguments)
    assert (done.exit_code, generate.requests) == (2, 0)
    assert message in done.stderr


def test_an_output_that_cannot_be_written_is_said_first(generate: Generate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = generate("--output", str(tmp_path / "file"))
    assert (done.exit_code, generate.requests) == (1, 0)
    assert done.stderr.startswith("Error: ")


def test_the_output_of_another_model_is_refused_first(generate: Generate, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"instance_id": "a", "model_name_or_path": "other", "model_patch": ""}\n')
    done = generate("--output", str(path))
    assert (done.exit_code, generate.requests) == (1, 0)
    assert "it is of the model 'other'" in done.stderr


def test_hostile_text_reaches_the_terminal_without_escapes(generate: Generate) -> None:
    generate.server.server.default = failing(400, "\x1b]0;owned\x07\u202e")
    done = generate()
    assert not any(character in done.output for character in "\x1b\x07\u202e")


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_wait_is_reported_with_its_reason(generate: Generate, *, as_json: bool) -> None:
    generate.server.server.enqueue(failing(503, "too busy"))
    done = generate("--count", "1", *(["--json"] if as_json else []))
    assert (done.exit_code, generate.requests) == (0, 2)
    if as_json:
        events = [msgspec.json.decode(line, type=Object) for line in done.stdout.splitlines()]
        waits = [event for event in events if event["event"] == "waiting"]
        assert [wait["tasks"] for wait in waits] == [1, 0]
        assert "too busy" in str(waits[0]["messages"])
    else:
        assert "compatible:m: waiting, retry: " in done.stderr


def test_a_replacement_that_was_killed_is_not_paid_twice(generate: Generate) -> None:
    generate()
    rows = predictions(generate.file)
    for row in rows:
        row["provenance"] = {"prompt_hash": "of another prompt"}
    generate.file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))  # as before the answers came
    assert (generate("--replace").exit_code, generate.requests) == (0, 3)
    assert "of another prompt" not in generate.file.read_text()


def test_the_default_output_is_named_after_the_dataset(
    generate: Generate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["generate", "-t", "compatible:m", "-t", "ollama:b", "--dataset", str(generate.dataset), "--yes"]
    environ = {"COMPATIBLE_BASE_URL": generate.server.base_url, "OLLAMA_HOST": generate.server.base_url}
    assert CliRunner().invoke(main, command, env=environ).exit_code == 0
    written = sorted(path.name for path in (tmp_path / "predictions" / "tasks").glob("*.jsonl"))
    assert written == [FILE.replace(".jsonl", ".answers.jsonl"), FILE, "ollama__b.answers.jsonl", "ollama__b.jsonl"]
