"""`swebench-tui generate` over the starter set, from the request to passing tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench import datasets
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.bundled import checkout
from tests.fault_server import FaultServerThread, Script

TASKS = datasets.load("starter").instances
GENERATE = (sys.executable, "-m", "swebench_tui", "generate", "--dataset", "starter", "--json")


def answer_to(task: Instance) -> str:
    """What a model that solves the task would write: its gold patch as SEARCH/REPLACE blocks."""
    blocks = []
    for file, *hunks in re.findall(r"^\+\+\+ b/(.+)\n((?:[@ +\\-].*\n?)+)", task.patch, re.MULTILINE):
        for hunk in re.split(r"^@@.*\n", hunks[0], flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines()
            old = "\n".join(line[1:] for line in lines if line[:1] in {" ", "-"})
            new = "\n".join(line[1:] for line in lines if line[:1] in {" ", "+"})
            blocks.append(f"{file}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE")
    return "The cause is clear.\n\n" + "\n\n".join(blocks) + "\n"


def generate(server: FaultServerThread, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "COMPATIBLE_BASE_URL": server.base_url}
    return subprocess.run([*GENERATE, *arguments], env=environ, capture_output=True, check=False)


def objects(output: bytes) -> list[dict[str, object]]:
    return [msgspec.json.decode(line, type=dict[str, object]) for line in output.splitlines()]


def run_tests(folder: Path) -> dict[str, str]:
    """The outcomes of a repository's tests, which see nothing of this project's pytest."""
    settings = ["--rootdir=.", "--confcutdir=.", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    ours = ("COVERAGE_", "PYTEST_", "PYTHON")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ = inherited | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *settings, "-rA", "--tb=no", "--color=no"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)}


def test_a_model_that_solves_every_task_passes_all_tests(server: FaultServerThread, tmp_path: Path) -> None:
    server.server.by_text = {task.problem_statement.splitlines()[0]: Script(answer_to(task)) for task in TASKS}
    done = generate(server, "-t", "compatible:good/model", "--output", str(tmp_path), "--yes")
    assert (done.returncode, done.stderr) == (0, b"")
    (summary,) = (event for event in objects(done.stdout) if event["event"] == "summary")
    (target,) = msgspec.convert(summary["targets"], list[dict[str, object]])
    assert (target["patches"], target["classes"], target["cost"]) == ({"applies": 11}, {}, None)
    lines = (tmp_path / "compatible__good__model.jsonl").read_bytes().splitlines()
    predictions = {
        row["instance_id"]: row for row in (msgspec.json.decode(line, type=dict[str, object]) for line in lines)
    }
    assert predictions.keys() == {task.instance_id for task in TASKS}
    for task in TASKS:
        prediction = predictions[task.instance_id]
        assert prediction["model_name_or_path"] == "compatible/good/model"
        folder = tmp_path / task.instance_id
        shutil.copytree(checkout(task.repo, tmp_path / "repositories"), folder)
        for patch in (task.test_patch, str(prediction["model_patch"])):
            subprocess.run(["git", "-C", folder, "apply"], input=patch.encode(), check=True)
        assert run_tests(folder) == dict.fromkeys([*task.tests_to_fix, *task.tests_to_keep], "PASSED")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.instance_id)
def test_no_prompt_holds_the_solution(task: Instance, server: FaultServerThread, tmp_path: Path) -> None:
    done = generate(server, "-t", "compatible:m", "--instance", task.instance_id, "--output", str(tmp_path), "--yes")
    (request,) = (request for request in server.server.requests if request.method == "POST")
    assert done.returncode == 0
    added = [line.strip() for line in re.findall(r"^\+(?!\+\+)(.+)$", task.patch, re.MULTILINE) if line.strip()]
    assert added
    messages = msgspec.convert(request.json["messages"], list[dict[str, str]])
    prompt = "".join(message["content"] for message in messages)
    assert [line for line in added if line in prompt] == []


def test_an_oracle_run_is_labelled_everywhere(server: FaultServerThread, tmp_path: Path) -> None:
    options = "--context", "oracle", "--count", "1", "--output", str(tmp_path), "--yes"
    done = generate(server, "-t", "compatible:m", *options)
    assert (done.returncode, done.stderr) == (0, b"")
    (line,) = (tmp_path / "compatible__m+oracle.jsonl").read_bytes().splitlines()
    prediction = msgspec.json.decode(line, type=dict[str, object])
    provenance = msgspec.convert(prediction["provenance"], dict[str, object])
    assert prediction["model_name_or_path"] == "compatible/m+oracle"
    assert (provenance["context"], provenance["oracle"]) == ("oracle", True)
    answers = (tmp_path / "compatible__m+oracle.answers.jsonl").read_bytes()
    assert b'"context": "oracle"' in answers
