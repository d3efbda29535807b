"""The program as a process without disk space, Unicode, terminal or home folder. Never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest
from click.testing import CliRunner

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, Script

KEY = "sk-canary-7f3a91-Zq7"
PROGRAM = (sys.executable, "-m", "swebench_tui")


def run(*arguments: str, output: BinaryIO | None = None, **environ: str) -> subprocess.CompletedProcess[bytes]:
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        [*PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environ},
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return done


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize("command", ["keys", "settings show", "settings schema", "provider list --json"])
def test_a_full_disk_is_reported_in_one_sentence(folders: Path, command: str) -> None:  # noqa: ARG001
    with Path("/dev/full").open("wb") as full:
        done = run(*command.split(), output=full)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("Error: cannot read or write the output: No space left on device\n")


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["text", "json"])
def test_a_comparison_reports_a_full_disk(server: FaultServerThread, arguments: Sequence[str]) -> None:
    server.server.by_model = {"a": Script("fine"), "b": Script("fine")}
    command = "compare", "-t", "compatible:a", "-t", "compatible:b", "--prompt", "Why?"
    with Path("/dev/full").open("wb") as full:
        done = run(*command, *arguments, output=full, COMPATIBLE_BASE_URL=server.base_url)
    assert done.returncode == 1
    assert "cannot read or write the output" in done.stderr.decode()


def test_the_doctor_runs_without_standard_output(folders: Path) -> None:  # noqa: ARG001
    shell = "exec " + " ".join(f"'{word}'" for word in (*PROGRAM, "doctor")) + " >&-"
    done = subprocess.run(["sh", "-c", shell], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("provider init openai --api-key-stdin", 1, "standard input is closed"),
        ("provider init openai", 2, "Not a terminal: pass --api-key-stdin"),
        ("provider remove mine", 2, "Not a terminal: pass --yes."),
    ],
)
def test_without_standard_input_nothing_is_prompted(folders: Path, command: str, status: int, message: str) -> None:
    file = folders / "config" / "swebench-tui" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[providers.mine]\nlike = "compatible"\nbase_url = "http://a"\n')
    shell = "exec " + " ".join(f"'{word}'" for word in (*PROGRAM, *command.split())) + " <&-"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert message in done.stderr


def test_a_terminal_without_unicode_gets_question_marks(server: FaultServerThread) -> None:
    server.server.by_model = {"a": Script("naïve 漢 fine")}
    done = run(
        *("compare", "-t", "compatible:a", "--prompt", "Why?"),
        PYTHONIOENCODING="latin-1",
        COMPATIBLE_BASE_URL=server.base_url,
    )
    assert done.returncode == 0
    assert "naïve ? fine" in done.stdout.decode("latin-1")


@pytest.mark.parametrize("command", ["settings show", "provider list", "compare -t embedded --prompt x", ""])
def test_without_a_home_folder_the_variables_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    done = CliRunner().invoke(main, command.split())
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no home folder" in done.stderr
    assert "Set HOME" in done.stderr
    assert list(tmp_path.iterdir()) == []


def _nobody(_: int) -> object:
    raise KeyError


def test_without_a_terminal_the_app_exits(folders: Path) -> None:  # noqa: ARG001
    done = run()
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"The app needs a terminal." in done.stderr
    assert b"\x1b" not in done.stderr


def test_help_and_version_need_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    assert [CliRunner().invoke(main, [flag]).exit_code for flag in ("--help", "--version")] == [0, 0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("provider", "test", KEY),
        ("provider", "models", KEY, "--json"),
        ("models", "--provider", KEY),
        ("doctor", "--ask", KEY),
        ("compare", "-t", KEY, "--prompt", "x"),
        ("compare", "-t", f"{KEY}:m", "--prompt", "x"),
        ("compare", "-t", "ollama", "--prompt", "x", "--base-url", f"{KEY}=http://a"),
        ("compare", "-t", "ollama", "--dataset", KEY, "--count", "1"),
        ("settings", "unset", KEY),
        ("settings", "set", KEY, "x"),
        ("settings", "set", "providers.openai.model", KEY),
        ("settings", "set", "providers.openai.key_command", f"echo {KEY}"),
        ("settings", "set", "providers.openai.headers", f'{{ Authorization = "Bearer {KEY}" }}'),
        ("settings", "set", f"providers.{KEY}.model", "x"),
        (KEY,),
        ("provider", KEY),
        ("completions", KEY),
    ],
    ids=" ".join,
)
def test_a_misplaced_key_is_neither_shown_nor_written(folders: Path, arguments: Sequence[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code in {1, 2}
    assert done.stderr
    assert KEY not in done.output
    assert not any(KEY in file.read_text() for file in folders.rglob("*") if file.is_file())


def completed(line: str, environ: Mapping[str, str]) -> list[str]:
    """The completions that bash offers for the last word."""
    program = Path(sys.executable).with_name("swebench-tui")
    completion = {
        "_SWEBENCH_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    return subprocess.run(
        [program], env={**environ, **completion}, capture_output=True, text=True, check=False
    ).stdout.split()


@pytest.mark.parametrize(
    "line",
    [
        "provider init ope",
        "provider remove ope",
        "provider init mine --like ope",
        "models --provider ope",
        "doctor --ask ope",
        "compare -t ope",
    ],
)
def test_provider_names_are_completed_everywhere(line: str) -> None:
    assert completed(f"swebench-tui {line}", os.environ) == ["plain,openai", "plain,openrouter"]


@pytest.mark.parametrize("command", ["settings path --json", "settings show --json", "doctor --json"])
def test_an_unreadable_config_folder_stops_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Its name is too long, which even root cannot read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ("x" * 300)))
    done = CliRunner().invoke(main, command.split())
    assert (done.exit_code, done.exception) == (0, None)
    assert json.loads(done.stdout)
