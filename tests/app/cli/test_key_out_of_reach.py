"""A key that cannot be read (its command fails, its keyring is locked) is one provider's trouble, not the command's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In which the key of `openai` is out of reach."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "swebench-tui"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('[providers.openai]\nkey_command = "false"\n')
    return folder


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(main, arguments)


def test_a_test_of_it_is_one_json_object_all_the_same() -> None:
    done = run("provider", "test", "openai", "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["ok"], report["verdict"]) == (1, False, "bad_key")
    assert "exited with status 1" in report["message"]
    assert report["hint"]


def test_the_doctor_tells_it_beside_all_else() -> None:
    done = run("doctor", "--ask", "openai", "--json")
    health = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [report["verdict"] for report in health["reachable"]] == ["bad_key"]
    assert "exited with status 1" in run("doctor", "--ask", "openai").stdout


def test_in_a_comparison_its_column_fails_and_the_others_answer(server: FaultServerThread) -> None:
    asked = "compare", "-t", "openai", "-t", "compatible:a", "--prompt", "Why?"
    done = run(*asked, "--json", COMPATIBLE_BASE_URL=server.base_url)
    events = [json.loads(line) for line in done.stdout.split("\n") if line]
    outcomes = {event["target"]: event for event in events if event["event"] == "done"}
    assert (done.exit_code, outcomes["compatible:a"]["state"]) == (1, "done")
    error = outcomes["openai"]["error"]
    assert (error["kind"], error["reason"]) == ("auth", "key_out_of_reach")
    assert error["hint"]


def test_the_doctor_tells_what_is_wrong_with_ones_own_prices(config_folder: Path) -> None:
    (config_folder / "prices.toml").write_bytes(b"\xff")
    done = run("doctor")
    assert done.exit_code == 0
    assert f"✗ problem       {config_folder / 'prices.toml'} is not text in UTF-8" in done.stdout


def test_what_spends_money_says_that_it_did_not(config_folder: Path) -> None:
    (config_folder / "settings.toml").write_text("editor = 3\n")
    done = run("compare", "-t", "embedded", "--prompt", "Why?")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "editor is 3" in done.stderr
    assert "Nothing is sent before the settings are in order." in done.stderr
