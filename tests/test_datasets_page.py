"""Every command and program of docs/datasets.md runs, with a stand-in for the hub."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.bench.datasets import KNOWN
from swebench_tui.bench.datasets.data_files import INSTALL_PYARROW
from swebench_tui.cli.main import main
from tests.app.bench.datasets.stand_in_hub import StandInHub
from tests.app.bench.datasets.tables import arrow, columns, parquet

PAGE = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text("utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("swebench-tui dataset")]
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMIT = "5" * 40


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with the files that the page names, and a hub with `lite`."""
    rows = [columns(f"django__django-{n}", repo="django/django") for n in range(25)]
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ids.txt").write_text("django__django-3  # failed twice\n")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "data-00000-of-00001.arrow").write_bytes(arrow(rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for variable in ("CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"XDG_{variable}_HOME", str(tmp_path / variable))
    files = {f"data/{split}-00000-of-00001.parquet": parquet(rows) for split in ("dev", "test")}
    with StandInHub({KNOWN["lite"].repo: {COMMIT: files}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield tmp_path


def test_the_page_has_commands_and_programs() -> None:
    assert len(COMMANDS) >= 9
    assert len(PROGRAMS) == 2
    assert INSTALL_PYARROW in LINES
    assert all(name in PAGE for name in KNOWN)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_succeeds(line: str) -> None:
    result = CliRunner().invoke(main, shlex.split(line)[1:])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout
    if "--json" in line:
        json.loads(result.stdout)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_runs(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(program, "docs/datasets.md", "exec"), {})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert "stopped" not in printed
    assert "django__django-9 It fails." in printed or re.search(r"^\d+ \d+$", printed, re.MULTILINE)
