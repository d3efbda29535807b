"""Servers report details of their models beside the list: the loaded window, and capabilities."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ModelInfo
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.protocols import WireRequest
from swebench_providers.protocols.failures import UNREADABLE
from swebench_providers.servers import server_kind, server_kinds
from swebench_providers.servers.interface import DetailsEndpoint
from swebench_providers.servers.queries import fetch_details
from tests.fault_server import FaultServer, Script, failing, json_body
from tests.providers.dialects import KEY, provider_at
from tests.providers.wire import FIXTURES

REPORTED = {
    "ollama": ("ollama/show.json", "qwen3-coder:30b", 262_144, ("completion", "tools")),
    "lmstudio": ("lmstudio/api-v1-models.json", "qwen/qwen3-coder-30b", 4096, ("tools",)),
    "llamacpp": ("llamacpp/props.json", "m", 32_768, ()),
    "fastchat": ("fastchat/token-check.json", "vicuna-7b-v1.5", 4096, ()),
}
PATHS = {
    "ollama": ("POST", "/api/show"),
    "lmstudio": ("GET", "/api/v1/models"),
    "llamacpp": ("GET", "/props"),
    "fastchat": ("POST", "/api/v1/token_check"),
}


def body_of(name: str) -> bytes:
    return Path(FIXTURES / REPORTED[name][0]).read_bytes()


def details_of(name: str) -> DetailsEndpoint:
    details = server_kind(name).details
    assert details is not None
    return details


def base_url(server: FaultServer, name: str) -> str:
    return f"{server.base_url}{provider_spec(name).default_path}"


def test_each_server_with_details_has_a_provider_and_a_test() -> None:
    assert {name for name, kind in server_kinds().items() if kind.details} == set(REPORTED)
    assert set(REPORTED) <= {provider_spec(name).server for name in provider_names()}


@pytest.mark.parametrize("name", REPORTED)
async def test_a_server_reports_windows_that_its_list_leaves_out(
    fault_server: FaultServer, transport: Transport, name: str
) -> None:
    _, model, window, capabilities = REPORTED[name]
    method, path = PATHS[name]
    fault_server.by_path[path] = Script(body=body_of(name))
    provider = provider_at(base_url(fault_server, name), name, transport)
    [described] = await provider.describe([ModelInfo(id=model, name="as listed")])
    assert described == ModelInfo(id=model, name="as listed", context_window=window, capabilities=capabilities)
    [request] = fault_server.requests
    assert (request.method, request.path) == (method, path)
    if method == "POST":
        assert model in request.body.decode()
    if provider_spec(name).auth != "none":
        assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", REPORTED)
@pytest.mark.parametrize(
    "response",
    [failing(404), failing(500), json_body({}), json_body([]), Script(body=b"<html>"), Script(body=b"\xff\xfe")],
    ids=["404", "500", "empty", "list", "page", "bytes"],
)
async def test_an_unusable_response_leaves_models_as_they_were(
    fault_server: FaultServer, transport: Transport, name: str, response: Script
) -> None:
    fault_server.by_path[PATHS[name][1]] = response
    models = [ModelInfo(id="a", context_window=7), ModelInfo(id="b")]
    assert await provider_at(base_url(fault_server, name), name, transport).describe(models) == models


async def test_an_unreachable_server_leaves_models_as_they_were(transport: Transport) -> None:
    models = [ModelInfo(id="a")]
    assert await provider_at("http://127.0.0.1:1", "ollama", transport).describe(models) == models


async def test_a_provider_whose_list_is_complete_gets_no_request(
    fault_server: FaultServer, transport: Transport
) -> None:
    models = [ModelInfo(id="a")]
    assert await provider_at(f"{fault_server.base_url}/v1", "vllm", transport).describe(models) == models
    assert await provider_at(fault_server.base_url, "lmstudio", transport).describe([]) == []
    assert fault_server.requests == []


async def test_eight_models_are_described_at_a_time_in_order() -> None:
    open_now = most = 0

    async def fetch(request: WireRequest) -> bytes:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        size = int(msgspec.json.decode(request.body, type=dict[str, str])["model"])
        model_info = {"general.architecture": "x", "x.context_length": size + 1}
        return msgspec.json.encode({"model_info": model_info})

    models = [ModelInfo(id=str(size)) for size in range(100)]
    described = await fetch_details(models, details_of("ollama"), fetch, seconds=60)
    assert [(model.id, model.context_window) for model in described] == [(str(size), size + 1) for size in range(100)]
    assert most == 8


async def test_details_that_arrived_in_time_are_kept(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/api/show"] = Script(body=body_of("ollama"))
    provider = provider_at(fault_server.base_url, "ollama", transport)
    quick = ModelInfo(id="quick")
    [described] = await provider.describe([quick])
    assert described.context_window == 262_144
    fault_server.by_path["/api/show"] = Script(before_head=3600)
    assert await provider.describe([quick], seconds=0.05) == [quick]


DOWNLOADS = {
    "models": [
        {"key": "a", "loaded_instances": []},
        {
            "key": "b",
            "loaded_instances": [
                {"id": "b", "config": {"context_length": 8192}},
                {"id": "b:2", "config": {"context_length": 4096}},
            ],
        },
    ]
}


async def test_an_lm_studio_window_is_the_loaded_one(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/api/v1/models"] = json_body(DOWNLOADS)
    provider = provider_at(f"{fault_server.base_url}/v1", "lmstudio", transport)
    described = await provider.describe([ModelInfo(id=name) for name in ("a", "b", "b:2", "c")])
    assert [model.context_window for model in described] == [None, 8192, 4096, None]
    assert len(fault_server.requests) == 1


async def test_list_and_details_of_a_real_llamacpp_report_one_window(
    transport: Transport, llama_server: EmbeddedServer
) -> None:
    running = llama_server.running
    assert running is not None
    provider = provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)
    [listed] = await provider.list_models()
    [described] = await provider.describe([ModelInfo(id=listed.id)])
    assert listed.context_window == described.context_window is not None


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["models", "key", "loaded_instances", "config", "context_length", "id", "model_info", "capabilities"]
            )
            | st.sampled_from(["general.architecture", "x.context_length", "prompts", "contextLength", "n_ctx"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json, st.sampled_from(sorted(REPORTED)))
def test_any_response_gives_a_positive_window_or_none(response: object, name: str) -> None:
    model = ModelInfo(id="x")
    try:
        described = details_of(name).decode(msgspec.json.encode(response), model)
    except UNREADABLE:
        return
    assert described.context_window is None or described.context_window > 0
    assert all(isinstance(word, str) for word in described.capabilities)
