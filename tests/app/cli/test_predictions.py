"""`swebench-tui predictions check`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from swebench_tui.cli.main import main

GOOD = {"instance_id": "starter__tallybox-1", "model_name_or_path": "m", "model_patch": ""}


def check(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["predictions", "check", str(path), *arguments])


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_a_good_file_is_exit_status_zero(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", GOOD))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'p.jsonl'}: 1 prediction of m, 1 empty: 0 errors, 0 warnings\n"


def test_warnings_alone_are_exit_status_zero(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", GOOD | {"model_patch": None}), "--dataset", "starter")
    assert done.exit_code == 0
    assert "p.jsonl:1: warning: `model_patch` is null (sb-cli)\n" in done.stdout
    assert "p.jsonl: warning: 10 tasks have no prediction: " in done.stdout


def test_an_error_names_line_reader_and_remedy(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", GOOD, "", GOOD | {"instance_id": "x"}), "--dataset", "starter")
    assert done.exit_code == 1
    assert "p.jsonl:2: error: a blank line (harness, sb-cli)\n  Remove the line.\n" in done.stdout
    assert "p.jsonl:3: error: the dataset has no 'x' (harness)\n" in done.stdout
    assert done.stdout.endswith("2 predictions of m, 2 empty: 2 errors, 1 warning\n")


def test_json_has_every_breach(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", GOOD, GOOD), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "file": str(tmp_path / "p.jsonl"),
        "predictions": 2,
        "empty": 2,
        "models": ["m"],
        "errors": 1,
        "warnings": 0,
        "breaches": [
            {
                "line": 2,
                "severity": "error",
                "rule": "duplicate_id",
                "readers": ["sb-cli"],
                "message": "a second record for 'starter__tallybox-1', the first is on line 1",
                "fix": "Keep one record; the harness silently takes the last.",
            }
        ],
    }


def test_people_see_the_first_hundred_breaches(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", *[""] * 250))
    assert done.stdout.count("a blank line") == 100
    assert "... and 151 more\n" in done.stdout


def test_hostile_names_reach_the_terminal_without_escapes(tmp_path: Path) -> None:
    row = GOOD | {"instance_id": "\x1b]0;owned\x07", "model_name_or_path": "\x1b[31m\u202e"}
    done = check(write(tmp_path / "p.jsonl", row), "--dataset", "starter")
    assert done.exit_code == 1
    assert not any(character in done.output for character in "\x1b\x07\u202e")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    done = check(tmp_path / "none.jsonl")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {tmp_path / 'none.jsonl'} does not exist\n")


def test_an_unknown_dataset_is_one_sentence(tmp_path: Path) -> None:
    done = check(write(tmp_path / "p.jsonl", GOOD), "--dataset", "nonsense")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
