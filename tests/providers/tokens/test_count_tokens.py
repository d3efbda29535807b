"""A provider counts tokens by the best method it has, and names that method."""

from __future__ import annotations

import pytest

from swebench_providers import ProviderConfig, ProviderRegistry, Secret, UnifiedRequest
from tests.fault_server import FaultServer, failing, json_body

TEXT = "def add(a, b):\n    return a + b\n"


@pytest.fixture
def registry() -> ProviderRegistry:
    return ProviderRegistry({})


def config_at(name: str, base_url: str, key: Secret | None = None) -> ProviderConfig:
    return ProviderConfig(name=name, base_url=base_url, model="m", api_key=key, base_url_source="given")


async def test_a_server_that_can_count_is_used(registry: ProviderRegistry, fault_server: FaultServer) -> None:
    fault_server.by_path["/tokenize"] = json_body({"count": 17, "max_model_len": 4096, "tokens": []})
    provider = registry.get_provider("vllm", config_at("vllm", f"{fault_server.base_url}/v1"))
    count = await provider.count_tokens(TEXT)
    assert (count.tokens, count.source, count.means) == (17, "exact", "counted by vllm: a chat of this one message")
    await registry.aclose()


async def test_a_failed_count_leaves_a_labelled_estimate(registry: ProviderRegistry, fault_server: FaultServer) -> None:
    fault_server.by_path["/tokenize"] = failing(500, "no tokenizer")
    provider = registry.get_provider("vllm", config_at("vllm", f"{fault_server.base_url}/v1"))
    count = await provider.count_tokens(TEXT)
    assert (count.tokens, count.source) == (13, "estimated")
    assert count.means.endswith("vllm did not count it: no tokenizer")
    await registry.aclose()


async def test_without_a_key_a_known_tokenizer_counts_locally(registry: ProviderRegistry) -> None:
    count = await registry.get_provider("openai").count_tokens(TEXT, "gpt-5.4")
    assert (count.tokens, count.source, count.means) == (12, "exact", "tiktoken o200k_base")


async def test_without_tokenizer_and_endpoint_the_count_is_estimated(registry: ProviderRegistry) -> None:
    count = await registry.get_provider("ollama").count_tokens(TEXT, "qwen3-coder:30b")
    assert count.source == "estimated"


async def test_the_embedded_model_counts_only_while_it_runs(registry: ProviderRegistry) -> None:
    provider = registry.get_provider("embedded")
    before = await provider.count_tokens(TEXT)
    answer = await provider.generate_unified(UnifiedRequest(prompt=TEXT, max_tokens=1))
    while_running = await provider.count_tokens(TEXT)
    assert before.source == "estimated"
    assert answer.usage is not None
    assert (while_running.tokens, while_running.source) == (answer.usage.prompt_tokens, "exact")
    await registry.aclose()


async def test_a_whole_request_is_counted_by_the_server(registry: ProviderRegistry, fault_server: FaultServer) -> None:
    fault_server.by_path["/tokenize"] = json_body({"count": 41})
    provider = registry.get_provider("vllm", config_at("vllm", f"{fault_server.base_url}/v1"))
    count = await provider.count_request(UnifiedRequest(prompt=TEXT, system_message="Be brief."))
    assert (count.tokens, count.source, count.means) == (41, "exact", "counted by vllm: the whole chat")
    (request,) = fault_server.requests
    messages = request.json["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["system", "user"]
    assert request.json["model"] == "m"
    await registry.aclose()


async def test_a_request_without_a_count_endpoint_is_estimated(registry: ProviderRegistry) -> None:
    provider = registry.get_provider("ollama")
    count = await provider.count_request(UnifiedRequest(prompt=TEXT, model="qwen3"))
    assert (count.source, count.tokens > 13) == ("estimated", True)


async def test_the_embedded_model_counts_requests_while_it_runs(registry: ProviderRegistry) -> None:
    provider = registry.get_provider("embedded")
    request = UnifiedRequest(prompt=TEXT, system_message="Be brief.", max_tokens=1)
    before = await provider.count_request(request)
    answer = await provider.generate_unified(request)
    while_running = await provider.count_request(request)
    assert answer.usage is not None
    assert (before.source, while_running.source) == ("estimated", "exact")
    assert while_running.tokens == answer.usage.prompt_tokens
    await registry.aclose()
