"""`provider test`, `provider models` and `models` against servers that answer, refuse and are not there."""

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
    assert "Check COMPATIBLE_API_KEY" in done.stderr
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


def test_the_table_says_what_stands_where_and_what_is_unknown(listing: FaultServerThread) -> None:
    lines = run("models", "--provider", "compatible", **at(listing)).stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["model", "window", "output", "$", "in", "/", "out", "per", "M"],
        ["compatible:small-1", "8,192", "?", "unknown"],
        ["compatible:large-2", "131,072", "?", "unknown"],
        ["compatible:odd", "?", "?", "unknown"],
    ]


def test_the_table_fits_80_columns_and_a_longer_name_is_still_whole(listing: FaultServerThread) -> None:
    long = "an-author/" + "a-very-long-name-" * 4
    models = [{"id": "m" * 25, "max_model_len": 1_048_576}, {"id": long}, {"id": "\x1b]0;title\x07\nrow"}]
    listing.server.by_path["/v1/models"] = json_body({"data": models})
    _, fits, longer, hostile = run("models", "--provider", "compatible", **at(listing)).stdout.splitlines()
    assert len(fits) <= 80
    assert f"compatible:{long}  " in longer
    assert "\x1b" not in hostile


def test_a_search_without_a_hit_says_so_and_prints_no_table(listing: FaultServerThread) -> None:
    done = run("models", "--provider", "compatible", "--search", "nope", **at(listing))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no such model\n")
    assert run("models", "--provider", "compatible", "--search", "nope", "--json", **at(listing)).stdout == "[]\n"


def test_windows_that_only_details_tell_are_listed(server: FaultServerThread) -> None:
    server.server.by_path["/api/tags"] = json_body({"models": [{"name": "q:1", "capabilities": ["tools"]}]})
    shown = {"model_info": {"general.architecture": "q", "q.context_length": 32_768}}
    server.server.by_path["/api/show"] = json_body(shown)
    [row] = json.loads(run("provider", "models", "ollama", "--json", OLLAMA_HOST=server.base_url).stdout)
    assert (row["id"], row["context_window"], row["capabilities"]) == ("q:1", 32_768, ["tools"])


def test_a_provider_that_does_not_answer_stands_beside_the_others(listing: FaultServerThread) -> None:
    done = run("models", OLLAMA_HOST="127.0.0.1:9", **at(listing))
    assert done.exit_code == 0
    assert "compatible:small-1" in done.stdout
    assert "ollama: no connection to 127.0.0.1" in done.stderr
    assert "embedded:smollm2" in done.stdout
    assert "free" in done.stdout


def test_local_servers_nobody_has_set_up_take_one_line_together() -> None:
    unused = "http://127.0.0.1:9"
    done = run("models", OLLAMA_HOST=unused, VLLM_BASE_URL=unused)
    [beside] = [line for line in done.stderr.splitlines() if line.startswith("not running on this machine: ")]
    assert "ollama" not in beside
    assert {"lmstudio", "sglang"} <= set(beside.partition(": ")[2].split(", "))
    assert len([line for line in done.stderr.splitlines() if "no connection" in line]) == 2


def test_a_provider_named_and_not_answering_is_a_failure() -> None:
    done = run("models", "--provider", "ollama", OLLAMA_HOST="127.0.0.1:9")
    assert done.exit_code == 1
    assert "Start it: `ollama serve`" in done.stderr
