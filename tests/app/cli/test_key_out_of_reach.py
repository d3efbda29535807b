"""A key that cannot be read (failing command, locked keyring) is an error of one provider, not of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder in which the key of `openai` cannot be read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "swebench-tui"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('[providers.openai]\nkey_command = "false"\n')
    return folder


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(main, arguments)


def test_its_test_is_still_one_json_object() -> None:
    done = run("provider", "test", "openai", "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["ok"], report["verdict"]) == (1, False, "bad_key")
    assert "exited with status 1" in report["message"]
    assert report["hint"]


def test_the_doctor_reports_it_and_everything_else() -> None:
    done = run("doctor", "--ask", "openai", "--json")
    health = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [report["verdict"] for report in health["reachable"]] == ["bad_key"]
    assert "exited with status 1" in run("doctor", "--ask", "openai").stdout


def test_in_a_comparison_only_its_column_fails(server: FaultServerThread) -> None:
    command = "compare", "-t", "openai", "-t", "compatible:a", "--prompt", "Why?"
    done = run(*command, "--json", COMPATIBLE_BASE_URL=server.base_url)
    events = [json.loads(line) for line in done.stdout.split("\n") if line]
    outcomes = {event["target"]: event for event in events if event["event"] == "done"}
    assert (done.exit_code, outcomes["compatible:a"]["state"]) == (1, "done")
    error = outcomes["openai"]["error"]
    assert (error["kind"], error["reason"]) == ("auth", "key_out_of_reach")
    assert error["hint"]


def test_the_doctor_reports_problems_in_prices_toml(config_folder: Path) -> None:
    (config_folder / "prices.toml").write_bytes(b"\xff")
    done = run("doctor")
    assert done.exit_code == 0
    assert f"✗ problem       {config_folder / 'prices.toml'} is not valid UTF-8" in done.stdout


def test_broken_settings_stop_a_command_that_costs_money(config_folder: Path) -> None:
    (config_folder / "settings.toml").write_text("editor = 3\n")
    done = run("compare", "-t", "embedded", "--prompt", "Why?")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "editor is 3" in done.stderr
    assert "Nothing is sent until the settings are fixed." in done.stderr
