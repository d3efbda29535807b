"""A provider made with `provider init --like KIND` keeps all that the kind of local server can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_providers import ModelInfo
from swebench_providers.provider import HTTPProvider
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.main import main
from tests.fault_server import FaultServer, Script, json_body

TEXT = "def add(a, b):\n    return a + b\n"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def gpubox_like(kind: str, base_url: str) -> HTTPProvider:
    """The provider `gpubox` of the settings that the command wrote, as every command and screen gets it."""
    command = ["provider", "init", "gpubox", "--like", kind, "--base-url", base_url, "--model", "m", "--no-test"]
    done = CliRunner().invoke(main, [*command, "--yes"])
    assert done.exit_code == 0, done.output
    provider = open_workspace().registry.get_provider("gpubox")
    assert isinstance(provider, HTTPProvider)
    return provider


async def test_a_provider_like_vllm_counts_tokens_exactly(fault_server: FaultServer) -> None:
    fault_server.by_path["/tokenize"] = json_body({"count": 17, "max_model_len": 4096, "tokens": []})
    count = await gpubox_like("vllm", f"{fault_server.base_url}/v1").count_tokens(TEXT)
    assert (count.tokens, count.source) == (17, "exact")
    assert count.means == "counted by gpubox: a chat of this one message"
    [request] = fault_server.requests
    assert request.json == {"model": "m", "messages": [{"role": "user", "content": TEXT}]}


async def test_a_provider_like_llamacpp_knows_window_slots_and_count(fault_server: FaultServer) -> None:
    fault_server.by_path["/props"] = json_body({"default_generation_settings": {"n_ctx": 8192}, "total_slots": 3})
    fault_server.by_path["/v1/chat/completions/input_tokens"] = json_body({"input_tokens": 21})
    provider = gpubox_like("llamacpp", f"{fault_server.base_url}/v1")
    [model] = await provider.describe([ModelInfo(id="m")])
    count = await provider.count_tokens(TEXT)
    assert (model.context_window, await provider.slots("m"), count.tokens, count.source) == (8192, 3, 21, "exact")


async def test_a_provider_like_ollama_knows_windows_and_usual_slots(fault_server: FaultServer) -> None:
    details = {"model_info": {"general.architecture": "x", "x.context_length": 40_960}}
    fault_server.by_path["/api/show"] = json_body(details)
    provider = gpubox_like("ollama", fault_server.base_url)
    [model] = await provider.describe([ModelInfo(id="m")])
    assert (model.context_window, await provider.slots("m")) == (40_960, 1)


async def test_a_server_that_cannot_count_leaves_a_labelled_estimate(fault_server: FaultServer) -> None:
    fault_server.by_path["/tokenize"] = Script(status=404, body=b'{"detail":"Not Found"}')
    count = await gpubox_like("vllm", f"{fault_server.base_url}/v1").count_tokens(TEXT)
    assert count.source == "estimated"
    assert "gpubox did not count it" in count.means
