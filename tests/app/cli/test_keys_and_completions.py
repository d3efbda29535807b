"""`swebench-tui keys` and `completions`: their output, and that a shell can use it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.cli.main import main


def test_keys_lists_every_action_with_id_key_and_place() -> None:
    done = CliRunner().invoke(main, ["keys", "--json"])
    assert done.exit_code == 0
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert rows["compare.run"]["key"] == "enter"
    assert rows["mode.models"]["screen"] == "everywhere"
    assert all(
        set(row) == {"id", "key", "description", "screen", "dialog"} and row["description"] for row in rows.values()
    )
    plain = CliRunner().invoke(main, ["keys"]).stdout
    assert all(name in plain for name in rows)


def test_no_other_command_loads_textual() -> None:
    program = (
        "import sys; import swebench_tui.cli.keys, swebench_tui.cli.completions; assert 'textual' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_explains_its_installation_and_parses(shell: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["completions", shell])
    assert done.exit_code == 0
    assert done.stdout.startswith("# ")
    assert f"swebench-tui completions {shell}" in done.stdout
    assert f"_SWEBENCH_TUI_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        (tmp_path / "script").write_text(done.stdout)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_an_unknown_shell_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["completions", "csh"]).exit_code == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [("swebench-tui prov", "provider"), ("swebench-tui provider test ope", "openrouter"), ("swebench-tui k", "keys")],
)
def test_commands_and_providers_are_completed(line: str, expected: str) -> None:
    environ = {
        **os.environ,
        "_SWEBENCH_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    program = Path(sys.executable).with_name("swebench-tui")
    done = subprocess.run([program], env=environ, capture_output=True, text=True, check=False)
    assert f"plain,{expected}" in done.stdout.splitlines()
