"""docs/predictions.md agrees with the program: its table of rules, its programs and its commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from swebench_tui.bench import datasets
from swebench_tui.bench.predictions import Rule, file_stem, model_name
from swebench_tui.bench.predictions.prediction import Provenance
from swebench_tui.bench.predictions.scoring import score_commands
from swebench_tui.cli.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "predictions.md").read_text("utf-8")
WITHOUT_TEXTUAL = "import sys\nsys.modules['textual'] = None\nsys.modules['rich'] = None\n"


def test_the_table_has_every_rule() -> None:
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (\w+) \| ([^|]*)\|$", PAGE, re.MULTILINE)
    listed = [(code, severity, readers.strip()) for code, severity, readers in rows]
    assert listed == [(rule.code, rule.severity, ", ".join(rule.readers)) for rule in Rule]


def test_the_program_writes_a_file_without_errors(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-c", WITHOUT_TEXTUAL + program]
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "1 0\n")


def test_an_answer_is_checked_as_the_page_says(tmp_path: Path) -> None:
    task = datasets.load("starter").instances[0]
    assert f"--instance {task.instance_id}" in PAGE
    (tmp_path / "answer.md").write_text(f"Here:\n```diff\n{task.patch}```\n")
    command = ["patch", "check", str(tmp_path / "answer.md"), "--instance", task.instance_id]
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.stdout) == (0, task.patch)


def test_the_files_of_the_page_are_those_of_their_models() -> None:
    assert f"`{file_stem(model_name('openai', 'gpt-6-luna'))}.jsonl`" in PAGE
    assert f"/{file_stem(model_name('embedded', 'smollm2', 'guided'))}.jsonl" in PAGE
    assert f"`{model_name('openai', 'gpt-6-luna', 'oracle')}`" in PAGE


def test_the_commands_that_score_are_those_of_the_program() -> None:
    path = Path("predictions/verified/openai__gpt-6-luna.jsonl")
    assert "\n".join(score_commands("verified", "test", path, "first")) in PAGE


def test_labels_of_provenance_are_on_the_page() -> None:
    assert {"oracle", "guided"} <= set(Provenance.__struct_fields__)
    assert all(f"`{name}`" in PAGE for name in ("provenance", "oracle", "guided"))
