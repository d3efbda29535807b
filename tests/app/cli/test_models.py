"""`swebench-tui models` and `provider models` against servers that list, fail and are down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, Script, json_body

CANARY = "sk-canary-7f3a91"
MODELS = {"data": [{"id": "small-1", "max_model_len": 8192}, {"id": "large-2", "max_model_len": 131072}, {"id": "odd"}]}


@pytest.fixture
def server() -> Any:
    with FaultServerThread(Script("OK")) as thread:
        yield thread


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"COMPATIBLE_API_KEY": CANARY, **environment}).invoke(main, list(arguments))


def address(server: FaultServerThread) -> dict[str, str]:
    return {"COMPATIBLE_BASE_URL": server.base_url}


@pytest.fixture
def listing(server: FaultServerThread) -> FaultServerThread:
    server.server.by_path["/v1/models"] = json_body(MODELS)
    return server


def test_models_of_one_provider_keep_its_own_order(listing: FaultServerThread) -> None:
    done = run("provider", "models", "compatible", "--json", **address(listing))
    assert [row["id"] for row in json.loads(done.stdout)] == ["small-1", "large-2", "odd"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), ["small-1", "large-2", "odd"]),
        (("--sort", "name"), ["large-2", "odd", "small-1"]),
        (("--sort", "context"), ["large-2", "small-1", "odd"]),
        (("--sort", "price"), ["small-1", "large-2", "odd"]),
        (("--search", "LARGE"), ["large-2"]),
        (("--search", "compat LARGE"), ["large-2"]),
    ],
)
def test_models_are_searched_and_sorted(
    listing: FaultServerThread, flags: tuple[str, ...], expected: list[str]
) -> None:
    done = run("models", "--provider", "compatible", "--json", *flags, **address(listing))
    assert [row["id"] for row in json.loads(done.stdout)] == expected


def test_the_table_has_a_header_and_marks_unknown_values(listing: FaultServerThread) -> None:
    lines = run("models", "--provider", "compatible", **address(listing)).stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["model", "context", "output", "$", "in", "/", "out", "per", "M"],
        ["compatible:small-1", "8,192", "?", "unknown"],
        ["compatible:large-2", "131,072", "?", "unknown"],
        ["compatible:odd", "?", "?", "unknown"],
    ]


def test_the_table_fits_80_columns_unless_a_name_is_long(listing: FaultServerThread) -> None:
    long = "an-author/" + "a-very-long-name-" * 4
    models = [{"id": "m" * 25, "max_model_len": 1_048_576}, {"id": long}, {"id": "\x1b]0;title\x07\nrow"}]
    listing.server.by_path["/v1/models"] = json_body({"data": models})
    _, fits, longer, hostile = run("models", "--provider", "compatible", **address(listing)).stdout.splitlines()
    assert len(fits) <= 80
    assert f"compatible:{long}  " in longer
    assert "\x1b" not in hostile


def test_a_search_without_a_match_prints_no_table(listing: FaultServerThread) -> None:
    done = run("models", "--provider", "compatible", "--search", "nope", **address(listing))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "No model matches 'nope'\n")
    assert run("models", "--provider", "compatible", "--search", "nope", "--json", **address(listing)).stdout == "[]\n"


def test_windows_from_the_details_of_a_model_are_listed(server: FaultServerThread) -> None:
    server.server.by_path["/api/tags"] = json_body({"models": [{"name": "q:1", "capabilities": ["tools"]}]})
    shown = {"model_info": {"general.architecture": "q", "q.context_length": 32_768}}
    server.server.by_path["/api/show"] = json_body(shown)
    [row] = json.loads(run("provider", "models", "ollama", "--json", OLLAMA_HOST=server.base_url).stdout)
    assert (row["id"], row["context_window"], row["capabilities"]) == ("q:1", 32_768, ["tools"])


def test_an_error_of_one_provider_leaves_the_others_listed(listing: FaultServerThread) -> None:
    done = run("models", OLLAMA_HOST="127.0.0.1:9", **address(listing))
    assert done.exit_code == 0
    assert "compatible:small-1" in done.stdout
    assert "ollama: no connection to 127.0.0.1" in done.stderr
    assert "embedded:smollm2" in done.stdout
    assert "free" in done.stdout


def test_local_servers_that_are_not_running_share_one_line() -> None:
    unused = "http://127.0.0.1:9"
    done = run("models", OLLAMA_HOST=unused, VLLM_BASE_URL=unused)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("Not running: ")]
    assert "ollama" not in line
    assert {"lmstudio", "sglang"} <= set(line.partition(": ")[2].split(", "))
    assert len([line for line in done.stderr.splitlines() if "no connection" in line]) == 2


def test_an_error_of_a_named_provider_fails_the_command() -> None:
    done = run("models", "--provider", "ollama", OLLAMA_HOST="127.0.0.1:9")
    assert done.exit_code == 1
    assert "Start it: `ollama serve`" in done.stderr
