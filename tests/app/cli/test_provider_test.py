"""`swebench-tui provider test` against servers that respond, reject and are down."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, failing

CANARY = "sk-canary-7f3a91"


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"COMPATIBLE_API_KEY": CANARY, **environment}).invoke(main, ["provider", "test", *arguments])


def test_a_provider_that_responds_is_fine(server: FaultServerThread) -> None:
    done = run("compatible", "--model", "m", COMPATIBLE_BASE_URL=server.base_url)
    assert done.exit_code == 0
    assert done.stdout.startswith("compatible: m responded, first token after ")


def test_a_rejected_key_is_reported_with_a_hint(server: FaultServerThread) -> None:
    server.server.default = failing(401, f"no such key {CANARY}")
    done = run("compatible", "--model", "m", COMPATIBLE_BASE_URL=server.base_url)
    assert done.exit_code == 1
    assert "bad key: no such key" in done.stderr
    assert "Check COMPATIBLE_API_KEY" in done.stderr
    assert CANARY not in done.output


def test_the_report_is_one_json_object(server: FaultServerThread) -> None:
    server.server.default = failing(429)
    done = run("compatible", "--model", "m", "--json", COMPATIBLE_BASE_URL=server.base_url)
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (report["ok"], report["verdict"], report["provider"], report["model"]) == (
        False,
        "rate_limited",
        "compatible",
        "m",
    )
    assert report["latency_ms"] > 0
    assert report["models"] is None


def test_the_report_counts_the_listed_models(server: FaultServerThread) -> None:
    done = run("compatible", "--model", "m", "--json", COMPATIBLE_BASE_URL=server.base_url)
    assert json.loads(done.stdout)["models"] == 1


def test_an_unknown_provider_gets_a_suggestion() -> None:
    done = run("olama")
    assert done.exit_code == 1
    assert "Did you mean 'ollama'?" in done.stderr
