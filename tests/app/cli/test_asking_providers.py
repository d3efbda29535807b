"""`provider test`, `provider models`, `models` and `doctor` against servers that answer, refuse and are not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, Script, failing, json_body

CANARY = "sk-canary-7f3a91"
MODELS = {"data": [{"id": "small-1", "max_model_len": 8192}, {"id": "large-2", "max_model_len": 131072}, {"id": "odd"}]}


@pytest.fixture
def server() -> Any:
    with FaultServerThread(Script("OK")) as thread:
        yield thread


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"COMPATIBLE_API_KEY": CANARY, **environment}).invoke(main, list(arguments))


def at(server: FaultServerThread) -> dict[str, str]:
    return {"COMPATIBLE_BASE_URL": server.base_url}


def test_a_provider_that_answers_is_fine(server: FaultServerThread) -> None:
    done = run("provider", "test", "compatible", "--model", "m", **at(server))
    assert done.exit_code == 0
    assert done.stdout.startswith("compatible: m answered, first token after ")


def test_a_refused_key_is_said_with_what_to_do(server: FaultServerThread) -> None:
    server.server.default = failing(401, f"no such key {CANARY}")
    done = run("provider", "test", "compatible", "--model", "m", **at(server))
    assert done.exit_code == 1
    assert "bad key: no such key" in done.stderr
    assert "Check the API key" in done.stderr
    assert CANARY not in done.output


def test_the_report_is_one_json_object(server: FaultServerThread) -> None:
    server.server.default = failing(429)
    done = run("provider", "test", "compatible", "--model", "m", "--json", **at(server))
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (report["ok"], report["verdict"], report["provider"], report["model"]) == (
        False,
        "rate_limited",
        "compatible",
        "m",
    )
    assert report["latency_ms"] > 0


def test_an_unknown_provider_is_told_with_the_nearest_name() -> None:
    done = run("provider", "test", "olama")
    assert done.exit_code == 1
    assert "Did you mean 'ollama'?" in done.stderr


@pytest.fixture
def listing(server: FaultServerThread) -> FaultServerThread:
    server.server.by_path["/v1/models"] = json_body(MODELS)
    return server


def test_the_models_of_one_provider_are_listed_in_its_own_order(listing: FaultServerThread) -> None:
    done = run("provider", "models", "compatible", "--json", **at(listing))
    assert [row["id"] for row in json.loads(done.stdout)] == ["small-1", "large-2", "odd"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), ["small-1", "large-2", "odd"]),
        (("--sort", "name"), ["large-2", "odd", "small-1"]),
        (("--sort", "context"), ["large-2", "small-1", "odd"]),
        (("--sort", "price"), ["small-1", "large-2", "odd"]),
        (("--search", "LARGE"), ["large-2"]),
    ],
)
def test_models_are_searched_and_sorted(
    listing: FaultServerThread, flags: tuple[str, ...], expected: list[str]
) -> None:
    done = run("models", "--provider", "compatible", "--json", *flags, **at(listing))
    assert [row["id"] for row in json.loads(done.stdout)] == expected


def test_unknown_windows_and_prices_are_shown_as_unknown(listing: FaultServerThread) -> None:
    lines = run("models", "--provider", "compatible", **at(listing)).stdout.splitlines()
    assert "8,192 window" in lines[0]
    assert "? window" in lines[2]
    assert all("price unknown" in line for line in lines)


def test_a_provider_that_does_not_answer_stands_beside_the_others(listing: FaultServerThread) -> None:
    done = run("models", OLLAMA_HOST="127.0.0.1:9", **at(listing))
    assert done.exit_code == 0
    assert "compatible:small-1" in done.stdout
    assert "ollama: no connection to 127.0.0.1" in done.stderr
    assert "embedded:smollm2" in done.stdout
    assert "free" in done.stdout


def test_a_provider_named_and_not_answering_is_a_failure() -> None:
    done = run("models", "--provider", "ollama", OLLAMA_HOST="127.0.0.1:9")
    assert done.exit_code == 1
    assert "Start the server" in done.stderr


def test_the_doctor_names_versions_and_what_is_missing() -> None:
    done = run("doctor")
    assert done.exit_code == 0
    assert "swebench-tui    0.1.0" in done.stdout
    assert "· openai         set OPENAI_API_KEY" in done.stdout
    assert "✓ embedded       ready" in done.stdout
    assert CANARY not in done.output


def test_the_doctor_asks_only_whom_it_is_told_to(server: FaultServerThread) -> None:
    server.server.default = failing(402)
    done = run("doctor", "--ask", "compatible", "--json", COMPATIBLE_BASE_URL=server.base_url)
    health = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [(report["provider"], report["verdict"]) for report in health["reachable"]] == [("compatible", "no_credit")]
    assert CANARY not in done.output
