"""`swebench-tui doctor`: what is installed and what is missing, as text and JSON, without a key in either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swebench_providers.embedded import weights
from swebench_providers.servers.discovery import FoundServer
from swebench_tui import __version__
from swebench_tui.cli import doctor_report
from swebench_tui.cli.main import main
from swebench_tui.cli.terminal import examine
from swebench_tui.settings.providers import Readiness
from tests.fault_server import FaultServerThread, failing
from tests.providers.network import VERTEX

CANARY = "sk-canary-7f3a91"


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"COMPATIBLE_API_KEY": CANARY, **environment}).invoke(main, ["doctor", *arguments])


def health(*arguments: str, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--json", *arguments, **environment).stdout)
    return found


def sections(text: str) -> dict[str, list[str]]:
    return {block.splitlines()[0]: block.splitlines()[1:] for block in text.strip().split("\n\n")}


def test_sections_show_versions_and_what_is_missing() -> None:
    done = run()
    found = sections(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert list(found) == [
        *("Program", "Folders", "Terminal", "Embedded model", "Settings and keys", "Providers"),
        "Servers on this machine",
    ]
    assert found["Program"][0].split() == ["swebench-tui", __version__]
    assert "  · openai        set OPENAI_API_KEY" in found["Providers"]
    assert "  ✓ embedded      on this machine" in found["Providers"]
    assert any(line.split()[:2] == ["textual", __import__("textual").__version__] for line in found["Program"])


def test_each_provider_has_its_address_and_key_source() -> None:
    done = run(OPENAI_API_KEY=CANARY)
    assert "  ✓ openai        https://api.openai.com/v1  (environment: OPENAI_API_KEY)\n" in done.stdout
    row = next(row for row in health(OPENAI_API_KEY=CANARY)["providers"] if row["name"] == "openai")
    assert (row["base_url"], row["key_source"]) == ("https://api.openai.com/v1", "environment: OPENAI_API_KEY")


def test_no_secret_is_shown() -> None:
    keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN", "LLAMA_API_KEY"), CANARY)
    vertex = {name: value.replace("ya29.EXAMPLE", CANARY) for name, value in VERTEX.items()}
    for arguments in ((), ("--json",)):
        done = run(*arguments, **keys, **vertex)
        assert (done.exit_code, CANARY in done.output) == (0, False)


def test_the_folders_are_the_users(user_folders: Path) -> None:
    folders = health()["folders"]
    assert folders["config"] == str(user_folders / "config" / "swebench-tui")
    assert folders["data"] == str(user_folders / "data" / "swebench-tui")
    assert folders["cache"] == str(user_folders / "cache" / "swebench-tui")
    assert Path(folders["repositories"]).is_relative_to(folders["cache"])
    assert health()["fetched"] == "none fetched"


def test_the_state_of_the_embedded_model_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    there = health()["embedded"]
    assert (there["weights"], there["missing"]) == (str(weights.find()), "")
    assert there["runtime"]
    monkeypatch.setattr(weights, "find", lambda: None)
    gone = health()["embedded"]
    assert (gone["weights"], "embedded model's weights" in gone["missing"]) == (None, True)
    assert "run: swebench-tui embedded install" in run().stdout


def test_a_failed_test_of_a_named_provider_exits_with_1(server: FaultServerThread) -> None:
    server.server.default = failing(402)
    done = run("--ask", "compatible", "--json", COMPATIBLE_BASE_URL=server.base_url)
    assert done.exit_code == 1
    reports = json.loads(done.stdout)["reachable"]
    assert [(report["provider"], report["verdict"]) for report in reports] == [("compatible", "no_credit")]
    lines = sections(run("--ask", "compatible", COMPATIBLE_BASE_URL=server.base_url).stdout)["Connection tests"]
    assert lines[0].startswith("  ✗ compatible    no credit: ")
    assert CANARY not in done.output


def test_a_successful_test_shows_its_time(server: FaultServerThread) -> None:
    done = run("--ask", "compatible", COMPATIBLE_BASE_URL=server.base_url)
    assert done.exit_code == 0
    assert sections(done.stdout)["Connection tests"][0].startswith("  ✓ compatible    responded (")


def test_an_unknown_provider_gets_a_suggestion() -> None:
    done = run("--ask", "olama")
    assert (done.exit_code, "Did you mean 'ollama'?" in done.stderr) == (1, True)


def test_a_local_server_is_recognised_on_its_port(server: FaultServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    port = server.server.port
    monkeypatch.setattr(doctor_report, "USUAL_PORTS", (port, 1))
    found = FoundServer(kind="vllm", name="vLLM", base_url=f"http://127.0.0.1:{port}/v1")

    def state(name: str, base_url: str) -> str:
        provider = Readiness(
            name=name, title=name, key_source=None, base_url=base_url, embedded=False, local=True, to_do=""
        )
        return doctor_report._server_state(provider, [found])

    assert state("vllm", f"http://localhost:{port}/v1") == "running"
    assert state("fastchat", f"http://127.0.0.1:{port}/v1") == "vLLM is running there"
    assert state("ollama", "http://127.0.0.1:1") == "not running"
    assert state("ollama", "http://gpubox:11434") == "not checked"


def test_each_found_server_has_one_line() -> None:
    found = health()
    text = sections(run().stdout)["Servers on this machine"]
    assert len(text) == max(1, len(found["servers"]))


TERMINALS: dict[str, tuple[Mapping[str, str], str]] = {
    "NO_COLOR": ({"NO_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}, "none"),
    "an empty NO_COLOR is none": ({"NO_COLOR": "", "COLORTERM": "24bit", "TERM": "xterm"}, "true colour"),
    "true colour": ({"COLORTERM": "truecolor", "TERM": "xterm-256color"}, "true colour"),
    "256": ({"TERM": "screen-256color"}, "256"),
    "16": ({"TERM": "linux"}, "16"),
    "dumb": ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
    "nothing": ({}, "none"),
}


@pytest.mark.parametrize("what", TERMINALS)
def test_the_variables_of_a_terminal_decide_its_colours(what: str) -> None:
    environ, colours = TERMINALS[what]
    terminal = examine(environ, encoding="utf-8", size=(80, 24))
    assert terminal.colours == colours
    assert terminal.because


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("utf-16", True), ("latin-1", False), ("ascii", False)]
)
def test_only_unicode_encodings_have_all_characters(encoding: str, *, unicode: bool) -> None:
    assert examine({}, encoding=encoding, size=None).unicode is unicode


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_without_unicode_the_report_is_ascii(encoding: str) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "swebench_tui", "doctor"], env=environ, capture_output=True, check=True
    )
    text = done.stdout.decode(encoding)
    assert "set a UTF-8 locale" in text
    assert "  + embedded" in text
    assert "none (NO_COLOR is set)" in text
    assert "not a terminal" in text
