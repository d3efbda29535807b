"""What servers report of a model beside their list: the window that holds, and what the model can do."""

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
async def test_a_server_tells_the_window_of_a_model_that_its_list_leaves_out(
    fault_server: FaultServer, transport: Transport, name: str
) -> None:
    _, model, window, capabilities = REPORTED[name]
    method, path = PATHS[name]
    fault_server.by_path[path] = Script(body=body_of(name))
    provider = provider_at(base_url(fault_server, name), name, transport)
    [told] = await provider.describe([ModelInfo(id=model, name="as listed")])
    assert told == ModelInfo(id=model, name="as listed", context_window=window, capabilities=capabilities)
    [asked] = fault_server.requests
    assert (asked.method, asked.path) == (method, path)
    if method == "POST":
        assert model in asked.body.decode()
    if provider_spec(name).auth != "none":
        assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", REPORTED)
@pytest.mark.parametrize(
    "answer",
    [failing(404), failing(500), json_body({}), json_body([]), Script(body=b"<html>"), Script(body=b"\xff\xfe")],
    ids=["404", "500", "empty", "list", "page", "bytes"],
)
async def test_a_server_that_tells_nothing_leaves_models_as_they_were(
    fault_server: FaultServer, transport: Transport, name: str, answer: Script
) -> None:
    fault_server.by_path[PATHS[name][1]] = answer
    models = [ModelInfo(id="a", context_window=7), ModelInfo(id="b")]
    assert await provider_at(base_url(fault_server, name), name, transport).describe(models) == models


async def test_a_server_that_is_gone_leaves_models_as_they_were(transport: Transport) -> None:
    models = [ModelInfo(id="a")]
    assert await provider_at("http://127.0.0.1:1", "ollama", transport).describe(models) == models


async def test_a_provider_whose_list_says_it_all_is_not_asked(fault_server: FaultServer, transport: Transport) -> None:
    models = [ModelInfo(id="a")]
    assert await provider_at(f"{fault_server.base_url}/v1", "vllm", transport).describe(models) == models
    assert await provider_at(fault_server.base_url, "lmstudio", transport).describe([]) == []
    assert fault_server.requests == []


async def test_a_hundred_models_are_asked_for_eight_at_a_time_and_stay_in_order() -> None:
    open_now = most = 0

    async def ask(request: WireRequest) -> bytes:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        size = int(msgspec.json.decode(request.body, type=dict[str, str])["model"])
        facts = {"general.architecture": "x", "x.context_length": size + 1}
        return msgspec.json.encode({"model_info": facts})

    models = [ModelInfo(id=str(size)) for size in range(100)]
    told = await fetch_details(models, details_of("ollama"), ask, seconds=60)
    assert [(model.id, model.context_window) for model in told] == [(str(size), size + 1) for size in range(100)]
    assert most == 8


async def test_when_time_is_over_what_was_told_by_then_is_kept(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/api/show"] = Script(body=body_of("ollama"))
    provider = provider_at(fault_server.base_url, "ollama", transport)
    quick = ModelInfo(id="quick")
    [told] = await provider.describe([quick])
    assert told.context_window == 262_144
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


async def test_of_lm_studios_models_the_window_is_what_is_loaded(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.by_path["/api/v1/models"] = json_body(DOWNLOADS)
    provider = provider_at(f"{fault_server.base_url}/v1", "lmstudio", transport)
    told = await provider.describe([ModelInfo(id=name) for name in ("a", "b", "b:2", "c")])
    assert [model.context_window for model in told] == [None, 8192, 4096, None]
    assert len(fault_server.requests) == 1


async def test_the_window_a_real_llama_cpp_has_loaded_is_in_its_list_and_in_its_details(
    transport: Transport, llama_server: EmbeddedServer
) -> None:
    running = llama_server.running
    assert running is not None
    provider = provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)
    [listed] = await provider.list_models()
    [told] = await provider.describe([ModelInfo(id=listed.id)])
    assert listed.context_window == told.context_window is not None


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
def test_whatever_is_answered_a_window_is_a_positive_number_or_unknown(answer: object, name: str) -> None:
    model = ModelInfo(id="x")
    try:
        told = details_of(name).decode(msgspec.json.encode(answer), model)
    except UNREADABLE:
        return
    assert told.context_window is None or told.context_window > 0
    assert all(isinstance(word, str) for word in told.capabilities)
