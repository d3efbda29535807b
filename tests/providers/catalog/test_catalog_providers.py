"""Every provider of the catalog sends the requests of its fixtures, in the right protocol."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, UnifiedRequest, UnifiedResponse
from swebench_providers.catalog import profile_of, provider_names, provider_spec, read_spec
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, Script
from tests.providers import wire
from tests.providers.network import AZURE, VERTEX, Network, provider_on, request_for


@dataclass
class Case:
    """A request fixture: its provider, environment, settings and request."""

    fixture: str
    name: str
    request: UnifiedRequest
    environ: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    answer: str = "stream.sse"


QWEN = "Qwen/Qwen3-Coder-30B-A3B-Instruct"
CASES = [
    Case(
        "openrouter/request.json",
        "openrouter",
        request_for("anthropic/claude-opus-5.5", max_tokens=16000, reasoning_effort="high"),
        {"OPENROUTER_API_KEY": "sk-or-v1-EXAMPLE"},
        {"headers": {"HTTP-Referer": "https://example.org/swebench-tui", "X-OpenRouter-Title": "swebench-tui"}},
    ),
    Case("vllm/request.json", "vllm", request_for(QWEN, max_tokens=8192, temperature=0)),
    Case("sglang/request.json", "sglang", request_for(QWEN, max_tokens=8192, temperature=0)),
    Case("lmstudio/request.json", "lmstudio", request_for("qwen/qwen3-coder-30b", max_tokens=8192, temperature=0)),
    Case("fastchat/request.json", "fastchat", request_for("vicuna-7b-v1.5", max_tokens=1024, temperature=0)),
    Case(
        "llamacpp/request.json",
        "llamacpp",
        request_for("Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf", max_tokens=8192, temperature=0),
    ),
    Case(
        "huggingface/request.json",
        "huggingface",
        request_for("openai/gpt-oss-120b:cheapest", max_tokens=8192, temperature=0),
        {"HF_TOKEN": "hf_EXAMPLE"},
    ),
    Case(
        "azure/request-v1.json",
        "azure",
        request_for("my-terra-deployment", max_tokens=16000),
        AZURE,
        {"base_models": {"my-terra-deployment": "gpt-6.1-terra"}},
    ),
    Case(
        "azure/request-deployments.json",
        "azure",
        request_for("my-terra-deployment", max_tokens=16000, system_message=None),
        AZURE | {"OPENAI_API_VERSION": "2024-10-21"},
    ),
    Case(
        "openai-responses/request.json",
        "openai",
        request_for("gpt-6-astra", max_tokens=32000, reasoning_effort="max"),
        {"OPENAI_API_KEY": "sk-EXAMPLE"},
    ),
    Case(
        "gemini/request.json",
        "gemini",
        request_for("gemini-3.8-flash", max_tokens=32768, reasoning_effort="high"),
        {"GOOGLE_API_KEY": "AQ.EXAMPLE"},
    ),
    Case("gemini/request-vertex.json", "vertex", request_for("gemini-3.8-flash", system_message=None), VERTEX),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fixture)
async def test_a_provider_sends_its_fixture_and_reads_the_answer(case: Case) -> None:
    path = wire.FIXTURES / case.fixture
    network = Network((path.parent / case.answer).read_bytes())
    answer = await provider_on(case.name, case.environ, network, **case.changes).generate_unified(case.request)
    sent, *lists = network.sent
    assert all(other.method == "GET" for other in lists)  # a price that only the provider's list has
    expected = wire.read(path)
    full = expected if "url" in expected else {"body": expected}
    assert sent.body == full["body"]
    assert sent.url == full.get("url", sent.url)
    beside = path.with_name("request.headers.json")
    headers = full.get("headers") or (wire.read(beside) if beside.exists() else {})
    assert headers.items() <= {name.lower(): value for name, value in sent.headers.items()}.items()
    check_answer(answer, wire.read((path.parent / case.answer).with_suffix(".expected.json")))


def check_answer(answer: UnifiedResponse, expected: Any) -> None:
    assert (answer.content, answer.reasoning) == (expected["text"], expected["reasoning"])
    assert (answer.finish_reason, answer.notices) == (expected["finish"], ())
    wire.check_usage(answer.usage, expected["usage"])


def test_each_request_fixture_is_sent_by_a_test() -> None:
    elsewhere = {f"{folder}/request.json" for folder in ("anthropic", "ollama", "openai-chat")}  # test_requests.py
    found = {wire.name(path) for path in wire.files("*/request*.json") if ".headers." not in path.name}
    assert {case.fixture for case in CASES} | elsewhere == found


# Which protocol


RESPONSES_ONLY = [
    *("gpt-5.5-pro", "gpt-5.5-pro-2026-04-23", "gpt-5.2-pro", "gpt-6-pro", "gpt-5.3-codex", "gpt-5.1-codex-max"),
    *("codex-mini-latest", "o3-deep-research", "o4-mini-deep-research-2025-06-26", "o1-pro"),
]


async def path_of(name: str, model: str, environ: Mapping[str, str], **fields: Any) -> str:
    """The last part of a request's path."""
    changes = fields.pop("changes", {})
    network = Network()
    provider = provider_on(name, environ, network, **changes)
    with suppress(ProviderError):
        await provider.generate_unified(request_for(model, **fields))
    return network.sent[0].url.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize(
    ("model", "effort", "stream", "path"),
    [
        *((model, None, True, "responses") for model in RESPONSES_ONLY),
        ("gpt-5.5-pro", None, False, "responses"),
        ("gpt-6-astra", "max", True, "responses"),
        ("gpt-6.1-terra", "max", False, "responses"),
        ("gpt-6-astra", "xhigh", True, "completions"),
        ("gpt-5.5", "max", True, "completions"),
        ("gpt-5.6-sol", None, True, "completions"),
        ("gpt-4o", "high", True, "completions"),
        ("my-pro", None, True, "completions"),
        ("gpt-6-prompt", None, True, "completions"),
    ],
)
async def test_openai_uses_responses_where_model_or_effort_needs_it(
    model: str, effort: str | None, path: str, *, stream: bool
) -> None:
    environ = {"OPENAI_API_KEY": "k"}
    assert await path_of("openai", model, environ, reasoning_effort=effort, stream=stream) == path


async def test_azure_uses_responses_where_the_base_model_needs_it() -> None:
    changes = {"base_models": {"mine": "gpt-5.5-pro"}}
    assert await path_of("azure", "mine", AZURE, changes=changes) == "responses"
    assert await path_of("azure", "mine", AZURE) == "completions"
    older = AZURE | {"OPENAI_API_VERSION": "2024-10-21"}
    assert await path_of("azure", "mine", older, changes=changes) == "completions"


async def test_a_configured_protocol_is_used() -> None:
    environ = {"OPENAI_API_KEY": "k"}
    chat = {"protocol": "openai_chat"}
    assert await path_of("openai", "gpt-5.5-pro", environ, changes=chat) == "completions"
    responses = {"protocol": "openai_responses"}
    assert await path_of("openai", "gpt-4o", environ, changes=responses) == "responses"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in provider_names()
        if provider_spec(name).protocol == "openai_chat" and name not in {"openai", "azure"}
    ],
)
async def test_compatible_servers_get_chat_completions_unless_configured(name: str) -> None:
    environ = dict.fromkeys(provider_spec(name).env, "k")
    for model in ("gpt-5.5-pro", "openai/gpt-5.3-codex"):
        changes = {"base_url": "http://h:1/v1"}
        assert await path_of(name, model, environ, reasoning_effort="max", changes=changes) == "completions"


def test_a_responses_only_model_takes_no_sampling() -> None:
    for model in RESPONSES_ONLY:
        profile = profile_of(provider_spec("openai"), model)
        assert (profile.needs_responses, profile.sampling, "none" in profile.efforts) == (True, "no", False)
    assert not profile_of(provider_spec("openai"), "someones-codex").needs_responses  # of no family that is known


# What a provider takes


@pytest.mark.parametrize("name", ["fastchat", "lmstudio", "huggingface"])
async def test_an_unknown_effort_is_left_out_with_a_notice(name: str) -> None:
    network = Network((wire.FIXTURES / "vllm" / "stream.sse").read_bytes())
    provider = provider_on(name, {"HF_TOKEN": "k"}, network)
    answer = await provider.generate_unified(request_for("m", reasoning_effort="high"))
    assert answer.notices == ("reasoning effort high left out: not supported by m",)


async def test_fastchat_gets_no_seed_but_a_notice() -> None:
    network = Network((wire.FIXTURES / "fastchat" / "stream.sse").read_bytes())
    answer = await provider_on("fastchat", {}, network).generate_unified(request_for("m", seed=7))
    assert (answer.notices, answer.usage) == (("seed left out: not supported by m",), None)
    assert not {"seed", "stream_options"} & set(network.sent[0].body)


@pytest.mark.parametrize(
    ("model", "temperature"),
    [
        ("openai/gpt-6-astra", None),
        ("anthropic/claude-opus-5.5", None),
        ("anthropic/claude-haiku-4.5", 0.5),
        ("google/gemini-3.8-flash", None),
        ("deepseek/deepseek-v4", 0.5),
    ],
)
async def test_a_router_uses_the_family_of_each_vendor(model: str, temperature: float | None) -> None:
    network = Network((wire.FIXTURES / "openrouter" / "stream.sse").read_bytes())
    provider = provider_on("openrouter", {"OPENROUTER_API_KEY": "k"}, network)
    answer = await provider.generate_unified(request_for(model, temperature=0.5, reasoning_effort="xhigh"))
    body = network.sent[0].body
    assert (body.get("temperature"), body["reasoning"]) == (temperature, {"effort": "xhigh"})
    assert (body["messages"][0]["role"], "reasoning_effort" in body) == ("system", False)
    assert bool(answer.notices) is (temperature is None)


# One more provider


async def test_one_more_compatible_provider_is_one_small_file(tmp_path: Path, fault_server: FaultServer) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(
        'title = "Acme"\n'
        'protocol = "openai_chat"\n'
        'base_url = "https://api.acme.example/v1"\n'
        'default_path = "/v1"\n'
        'env = ["ACME_API_KEY"]\n'
        'base_url_env = ["ACME_BASE_URL"]\n'
        "[quirks]\n"
        'max_tokens_field = "max_completion_tokens"\n',
        "utf-8",
    )
    registry = ProviderRegistry({"ACME_API_KEY": "k", "ACME_BASE_URL": fault_server.base_url})
    registry.register(file.stem, read_spec(file.read_text("utf-8"), str(file)))
    answer = await registry.get_provider("acme").generate_unified(request_for("m", max_tokens=5))
    await registry.aclose()
    assert (answer.provider, answer.content, answer.cost) == ("acme", Script().text, None)
    (request,) = fault_server.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/chat/completions", "Bearer k")
    assert (request.json["max_completion_tokens"], request.json["stream"]) == (5, True)


async def test_a_real_llamacpp_answers_alike_on_responses_and_chat(
    llama_server: EmbeddedServer, transport: Transport
) -> None:
    address, key = llama_server.start()
    request = request_for("smollm2", max_tokens=12, temperature=0)
    answers = set()
    for protocol in ("openai_chat", "openai_responses"):
        config = ProviderConfig(name="llamacpp", base_url=f"{address}/v1", api_key=key, protocol=protocol)
        provider = HTTPProvider(provider_spec("llamacpp"), config, transport)
        for stream in (True, False):
            answer = await provider.generate_unified(msgspec.structs.replace(request, stream=stream))
            assert answer.usage is not None
            answers.add((answer.content, answer.usage.prompt_tokens, answer.usage.completion_tokens))
    assert len(answers) == 1
    assert answers.pop()[0]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
@pytest.mark.parametrize(
    ("name", "folder", "model"),
    [("openai", "openai-responses", "gpt-5.5-pro"), ("gemini", "gemini", "gemini-3.8-flash")],
)
async def test_a_real_answer_is_read_from_a_socket(
    fault_server: FaultServer, name: str, folder: str, model: str, *, stream: bool
) -> None:
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    paths = {"openai": "/v1/responses", "gemini": f"/v1beta/models/{model}:{method}"}
    body = (wire.FIXTURES / folder / ("stream.sse" if stream else "response.json")).read_bytes()
    media_type = "text/event-stream" if stream else "application/json"
    fault_server.by_path[paths[name].partition("?")[0]] = Script(body=body, headers={"content-type": media_type}, cut=7)
    registry = ProviderRegistry({})
    provider = registry.get_provider(name, registry.configure(name, base_url=fault_server.base_url))
    answer = await provider.generate_unified(request_for(model, stream=stream))
    await registry.aclose()
    check_answer(answer, wire.read(wire.FIXTURES / folder / "response.expected.json"))
    assert [request.target for request in fault_server.requests] == [paths[name]]
