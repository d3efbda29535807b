"""Each server counts at an endpoint of its own, and only a number is taken for a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, Secret, UnifiedRequest
from swebench_providers.auth.strategies import BearerTokenAuth, NoAuth
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.servers import count_endpoint, server_kinds
from swebench_providers.tokens.api_counter import APITokenCounter
from swebench_providers.tokens.count_endpoints import COUNT_ENDPOINTS, CountEndpoint
from swebench_providers.tokens.counter import TokenCount
from tests.fault_server import FaultServer, Script, failing, html_page, json_body
from tests.providers.dialects import KEY, provider_at
from tests.providers.tokens.token_texts import CHAT, CHAT_FRAMING
from tests.providers.wire import FIXTURES


class Case(NamedTuple):
    """A server below `base`, the request it gets for the usual chat, and what its fixture counts."""

    base: str
    path: str
    fixture: str
    tokens: int
    body: object


MESSAGES = [
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "Because."},
    {"role": "user", "content": "Go on."},
]
SYSTEM = {"role": "system", "content": "Be brief."}
INPUT = [
    {"role": "user", "content": [{"type": "input_text", "text": "Why?"}]},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Because."}]},
    {"role": "user", "content": [{"type": "input_text", "text": "Go on."}]},
]
CONTENTS = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Why?"}]},
        {"role": "model", "parts": [{"text": "Because."}]},
        {"role": "user", "parts": [{"text": "Go on."}]},
    ],
}
TEXT = "Be brief.\nWhy?\nBecause.\nGo on."
GOOGLE = "/v1/projects/p/locations/global/publishers/google"
CASES: Mapping[str, Case] = {
    "openai": Case(
        "/v1",
        "/v1/responses/input_tokens",
        "openai-responses/input-tokens.json",
        2048,
        {"model": "m", "instructions": "Be brief.", "input": INPUT},
    ),
    "anthropic": Case(
        "",
        "/v1/messages/count_tokens",
        "anthropic/count-tokens.json",
        2036,
        {"model": "m", "system": "Be brief.", "messages": MESSAGES},
    ),
    "gemini": Case(
        "/v1beta",
        "/v1beta/models/m:countTokens",
        "gemini/count-tokens.json",
        1500,
        {"generateContentRequest": {"model": "models/m", **CONTENTS}},
    ),
    "vertex": Case(GOOGLE, f"{GOOGLE}/models/m:countTokens", "gemini/count-tokens.json", 1500, CONTENTS),
    "vllm": Case("/v1", "/tokenize", "vllm/tokenize.json", 900, {"model": "m", "messages": [SYSTEM, *MESSAGES]}),
    "llamacpp": Case(
        "/v1",
        "/v1/chat/completions/input_tokens",
        "llamacpp/input-tokens.json",
        900,
        {"model": "m", "messages": [SYSTEM, *MESSAGES]},
    ),
    "sglang": Case("/v1", "/tokenize", "vllm/tokenize.json", 900, {"model": "m", "prompt": TEXT}),
    "fastchat": Case(
        "/v1",
        "/api/v1/token_check",
        "fastchat/token-check.json",
        300,
        {"prompts": [{"model": "m", "prompt": TEXT, "max_tokens": 0}]},
    ),
}
COUNT_TEXT_ONLY = {"sglang", "fastchat"}


def endpoint_of(name: str) -> CountEndpoint:
    endpoint = count_endpoint(provider_spec(name))
    assert endpoint is not None
    return endpoint


def counter_for(
    name: str, base_url: str | None, transport: Transport, *, key: str | None = KEY, **fields: Any
) -> APITokenCounter:
    config = ProviderConfig(**{"name": name, "api_key": Secret(key) if key else None, "base_url": base_url, **fields})
    auth = BearerTokenAuth(Secret(key)) if key else NoAuth()
    return APITokenCounter(endpoint_of(name), config, auth, transport)


def test_every_endpoint_is_tested_by_a_provider_of_its_own() -> None:
    specs = {name: provider_spec(name) for name in provider_names() if name != "embedded"}
    assert CASES.keys() == {name for name, spec in specs.items() if count_endpoint(spec) is not None}
    assert set(COUNT_ENDPOINTS) == {spec.count_endpoint for spec in specs.values()} - {None}
    assert {name for name, kind in server_kinds().items() if kind.count is not None} <= CASES.keys()


@pytest.mark.parametrize("name", CASES)
async def test_each_endpoint_gets_its_own_request(fault_server: FaultServer, transport: Transport, name: str) -> None:
    case = CASES[name]
    fault_server.by_path[case.path] = Script(body=(FIXTURES / case.fixture).read_bytes())
    counter = counter_for(name, f"{fault_server.base_url}{case.base}", transport)
    count = await counter.count_request(msgspec.structs.replace(CHAT, model="m"))
    (request,) = fault_server.requests
    assert (request.method, request.path, request.json) == ("POST", case.path, case.body)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    whole = name not in COUNT_TEXT_ONLY
    assert count.tokens == case.tokens + (0 if whole else CHAT_FRAMING)
    assert count.source == ("exact" if whole else "estimated")
    counted = "the whole chat" if whole else "the texts, with the usual framing of a chat"
    assert count.means == f"counted by {name}: {counted}"


@pytest.mark.parametrize("name", CASES)
async def test_a_count_of_a_text_says_what_was_counted(
    fault_server: FaultServer, transport: Transport, name: str
) -> None:
    case = CASES[name]
    fault_server.by_path[case.path] = Script(body=(FIXTURES / case.fixture).read_bytes())
    counter = counter_for(name, f"{fault_server.base_url}{case.base}", transport, key=None)
    counted = "the text alone" if name in COUNT_TEXT_ONLY else "a chat of this one message"
    means = f"counted by {name}: {counted}"
    assert await counter.count_tokens("修复 it", "m") == TokenCount(case.tokens, "exact", means)
    assert await counter.count_tokens("", "m") == TokenCount(0, "exact", means)
    (request,) = fault_server.requests
    assert "修复 it" in request.body.decode()
    assert "authorization" not in request.headers


async def test_anthropic_gets_the_version_the_prompt_would_be_sent_with(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.by_path["/v1/messages/count_tokens"] = json_body({"input_tokens": 1})
    counter = counter_for("anthropic", fault_server.base_url, transport, headers={"X-Team": "blue"})
    await counter.count_request(UnifiedRequest(model="claude-sonnet-4-5", prompt="Hi", temperature=0.5, max_tokens=9))
    await counter.count_request(UnifiedRequest(model="claude-sonnet-5", prompt="Hi"))
    first, second = fault_server.requests
    assert (first.headers["anthropic-version"], second.headers["anthropic-version"]) == ("2023-06-01", "2026-10-21")
    assert first.json.keys() == second.json.keys() == {"model", "messages"}
    assert first.headers["x-team"] == "blue"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (failing(401, f"Incorrect API key provided: {KEY}"), ErrorKind.AUTH),
        (failing(429, retry_after="7"), ErrorKind.RATE_LIMITED),
        (failing(503), ErrorKind.OVERLOADED),
        (html_page(), ErrorKind.BAD_ENDPOINT),
        (json_body({"error": "Unexpected endpoint or method. (POST /tokenize)"}), ErrorKind.BAD_ENDPOINT),
        (json_body({"count": -1}), ErrorKind.BAD_ENDPOINT),
        (json_body({"count": True}), ErrorKind.BAD_ENDPOINT),
        (Script(body=b"\xff"), ErrorKind.BAD_ENDPOINT),
    ],
)
async def test_anything_but_a_count_is_an_error_without_the_key(
    fault_server: FaultServer, transport: Transport, script: Script, kind: ErrorKind
) -> None:
    fault_server.by_path["/tokenize"] = script
    with pytest.raises(ProviderError) as caught:
        await counter_for("vllm", f"{fault_server.base_url}/v1", transport).count_tokens("text", "m")
    error = caught.value
    assert (error.kind, error.provider, error.model) == (kind, "vllm", "m")
    assert error.hint
    assert KEY not in str(error)
    assert error.retry_after == (7 if kind is ErrorKind.RATE_LIMITED else None)


async def test_an_empty_list_of_checks_is_no_number(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.by_path["/api/v1/token_check"] = json_body({"prompts": []})
    with pytest.raises(ProviderError, match="responded, but not with a number of tokens"):
        await counter_for("fastchat", fault_server.base_url, transport).count_tokens("text", "m")


async def test_a_counter_without_a_base_url_is_an_error(transport: Transport) -> None:
    with pytest.raises(ProviderError, match="vllm has no base URL"):
        await counter_for("vllm", None, transport, key=None).count_tokens("text", "m")


@pytest.mark.parametrize("name", CASES)
async def test_a_lone_surrogate_is_not_sent(fault_server: FaultServer, transport: Transport, name: str) -> None:
    with pytest.raises(ProviderError, match="half a character"):
        await counter_for(name, fault_server.base_url, transport).count_tokens("\ud800", "m")
    assert fault_server.requests == []


async def test_a_real_llamacpp_counts_as_its_usage_reports(transport: Transport, llama_server: EmbeddedServer) -> None:
    running = llama_server.start()
    config = ProviderConfig(name="llamacpp", api_key=running.key, base_url=f"{running.address}/v1")
    counter = APITokenCounter(endpoint_of("llamacpp"), config, BearerTokenAuth(running.key), transport)
    provider = provider_at(f"{running.address}/v1", "llamacpp", transport, api_key=running.key)
    request = msgspec.structs.replace(CHAT, model="smollm2", max_tokens=1)
    answer = await provider.generate_unified(request)
    assert answer.usage is not None
    expected = TokenCount(answer.usage.prompt_tokens, "exact", "counted by llamacpp: the whole chat")
    assert await counter.count_request(request) == expected
