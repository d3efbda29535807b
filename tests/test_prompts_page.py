"""Every command, program and template of docs/prompts.md runs, without a network and without Textual."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.bench.datasets import STARTER, load
from swebench_tui.bench.prompts.render import prompt_variables
from swebench_tui.cli.main import main
from swebench_tui.services.prompt_settings import CONTEXT_NAMES
from tests.app.bench.prompts.samples import SOME_FILES, TASK

PAGE = (Path(__file__).parents[1] / "docs" / "prompts.md").read_text("utf-8")
COMMANDS = [
    line.partition("  #")[0] for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WITHOUT_TEXTUAL = "import sys\nsys.modules['textual'] = None\nsys.modules['rich'] = None\n"


def folders(tmp_path: Path) -> dict[str, str]:
    return {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CACHE", "CONFIG", "DATA")}


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_shows_a_prompt(line: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, shlex.split(line)[1:], env=folders(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "mean([]) raises ZeroDivisionError" in result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_runs_without_textual(program: str, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **folders(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TEXTUAL + program], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"\b[0-9a-f]{64}\n", ended.stdout)


def test_the_template_of_the_page_can_be_used(tmp_path: Path) -> None:
    (template,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "fix.j2").write_text(template)
    task = load(STARTER).instances[0]
    arguments = ["prompt", "show", task.instance_id, "--full", "--template", str(tmp_path / "fix.j2")]
    result = CliRunner().invoke(main, arguments, env=folders(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"── system ──\nYou repair {task.repo}. You fix bugs." in result.stdout
    assert '<file path="tallybox/averages.py">' in result.stdout


def test_the_page_names_every_variable_and_every_context() -> None:
    from swebench_tui.bench.prompts import Template

    variables = prompt_variables(TASK, SOME_FILES, Template())
    table = PAGE.partition("| variable | value |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)))) == set(variables)
    files = variables["files"]
    assert isinstance(files, list)
    assert all(f"`{field}`" in table for field in files[0])
    assert all(f"`{name}`" in PAGE for name in CONTEXT_NAMES)
