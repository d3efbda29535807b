"""Every command and program of docs/context.md runs, and its figures are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.bench.context import ContextMode, blocks, build, corpus, fill
from swebench_tui.cli.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "context.md").read_text("utf-8")
COMMANDS = re.findall(r"^(swebench-tui .*)$", PAGE, re.MULTILINE)
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_commands_a_program_and_every_mode() -> None:
    assert (len(COMMANDS), len(PROGRAMS)) == (2, 1)
    assert all(f"| `{mode.value}`" in PAGE for mode in ContextMode)


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"from a budget of {build.WHOLE_FILES:,} tokens on" in PAGE
    assert f"about {blocks.SHORTEST} to {blocks.LONGEST} lines" in PAGE
    assert f"lists up to {fill.MOST_REPORTED} files" in PAGE
    assert f"over {corpus.MAX_FILE_BYTES / 1e6} MB" in PAGE
    assert f"at most {corpus.MAX_FILES:,} files\nand {corpus.MAX_TOTAL_BYTES // 10**6} MB, `all` 1,000 files" in PAGE


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_succeeds(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"XDG_{variable}_HOME", str(tmp_path / variable))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, shlex.split(line)[1:])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "averages.py" in result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_runs(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(program, "docs/context.md", "exec"), {})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert printed.startswith("strong ")
    assert '<file path="tallybox/averages.py">' in printed
