"""`swebench-tui generate` with the embedded model: guided by default on starter tasks, and labelled so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench import datasets
from swebench_tui.bench.predictions import AnswersFile, StoredPatch
from tests.app.cli.generating import GENERATE, Object, objects, predictions

TASK = min(datasets.load("starter").instances, key=lambda task: len(task.problem_statement))


def generate(folder: Path, *arguments: str) -> list[Object]:
    command = [*GENERATE, "-t", "embedded", "--dataset", "starter", "--instance", TASK.instance_id, "--json"]
    done = subprocess.run([*command, "--output", str(folder), *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return objects(done.stdout)


def summary(events: list[Object]) -> Object:
    return msgspec.convert(events[-1]["targets"], list[Object])[0]


def test_a_guided_patch_applies_and_is_labelled_everywhere(tmp_path: Path) -> None:
    events = generate(tmp_path)
    (row,) = predictions(tmp_path / "embedded__smollm2+guided.jsonl")
    provenance = msgspec.convert(row["provenance"], Object)
    assert row["model_name_or_path"] == "embedded/smollm2+guided"
    assert (provenance["guided"], provenance["status"], provenance["cost"]) == (True, "applies", 0.0)
    assert str(row["model_patch"]).startswith("diff --git ")
    (task,) = (event for event in events if event["event"] == "task")
    assert task["guided"] is True
    expected = {"labels": ["guided"], "guided": 1, "submitted": 1, "patches": {"applies": 1}}
    assert expected.items() <= summary(events).items()
    answers = (tmp_path / "embedded__smollm2+guided.answers.jsonl").read_bytes()
    assert b'"guided": true' in answers


@pytest.mark.parametrize("arguments", [("--no-guided",), ("--context", "none"), ("--format", "diff")])
def test_an_unguided_answer_is_not_labelled_and_its_verdict_holds(arguments: tuple[str, ...], tmp_path: Path) -> None:
    events = generate(tmp_path, "--max-tokens", "16", "--temperature", "0", *arguments)
    (row,) = predictions(tmp_path / "embedded__smollm2.jsonl")
    provenance = msgspec.convert(row["provenance"], Object)
    assert provenance["guided"] is False
    (stored,) = (
        r for r in AnswersFile(tmp_path / "embedded__smollm2.answers.jsonl").read() if isinstance(r, StoredPatch)
    )
    assert stored.status == provenance["status"]
    assert bool(row["model_patch"]) == stored.submitted == (stored.status == "applies")
    assert (summary(events)["labels"], summary(events)["guided"]) == ([], 0)
