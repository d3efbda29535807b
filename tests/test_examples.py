"""Every example runs as its reader would run it, against a local server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fault_server import FaultServerThread, Script, failing

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, server: FaultServerThread, *arguments: str) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": f"{server.base_url}/v1",
        "OPENAI_API_KEY": "sk-of-the-test",
        "ANTHROPIC_BASE_URL": server.base_url,
        "ANTHROPIC_API_KEY": "sk-ant-of-the-test",
        "COMPATIBLE_BASE_URL": f"{server.base_url}/v1",
    }
    ended = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    assert ended.returncode == 0
    return ended.stdout


def test_each_example_has_a_test() -> None:
    tested = {"basic_usage.py", "fallback.py", "batch_processing.py", "budget.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_one_model_answers() -> None:
    with FaultServerThread(Script("Because of the air.")) as server:
        printed = run("basic_usage.py", server, "compatible", "m")
    assert printed.startswith("Because of the air.")
    assert "stop" in printed
    assert "cost unknown" in printed


def test_another_model_answers_where_the_first_fails() -> None:
    with FaultServerThread(by_model={"bad": failing(401, "no such key"), "good": Script("Hello.")}) as server:
        printed = run("fallback.py", server, "openai:bad", "anthropic:good")
    first, second = printed.splitlines()
    assert first.startswith("openai:bad failed: ")
    assert second.startswith("anthropic:")
    assert second.endswith("answered: Hello.")


def test_a_batch_is_answered_as_it_comes() -> None:
    with FaultServerThread(Script("Some number.")) as server:
        *answers, summary = run("batch_processing.py", server, "compatible", "m", "20").splitlines()
    assert sorted(answers) == sorted(f"{n}: Some number." for n in range(20))
    assert summary.startswith("20 answered, 0 attempts failed")


def test_a_budget_refuses_a_model_of_unknown_price() -> None:
    with FaultServerThread(Script("Hello.")) as server:
        printed = run("budget.py", server, "compatible", "m", "0.01")
        assert server.server.requests == []
    assert "stopped: no known price for compatible:m" in printed
    assert "spent $0 of $0.01" in printed
