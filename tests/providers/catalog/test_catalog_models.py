"""The models that each provider of the catalog lists, their limits, and the cost of their answers."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from swebench_providers import ErrorKind, ModelInfo, ProviderError, TokenUsage, UnifiedRequest
from swebench_providers.catalog import provider_spec
from swebench_providers.pricing.prices import cost_of
from swebench_providers.protocols import pipeline
from tests.providers import wire
from tests.providers.network import AZURE, VERTEX, Network, provider_on, request_for

QWEN = "Qwen/Qwen3-Coder-30B-A3B-Instruct"
USAGE = TokenUsage(prompt_tokens=10_000, completion_tokens=2_000)

OPUS = ModelInfo(
    id="anthropic/claude-opus-5.5",
    name="Claude Opus 5.5",
    context_window=1_000_000,
    max_output=128_000,
    price_input=Decimal(4),
    price_output=Decimal(20),
    price_cached_input=Decimal("0.2"),
    price_cache_write=Decimal(5),
)
GPT_OSS = ModelInfo(id="openai/gpt-oss-120b", context_window=131_072)
LISTED = {
    "openrouter": [OPUS],
    "vllm": [ModelInfo(id=QWEN, context_window=65536)],
    "sglang": [ModelInfo(id=QWEN, context_window=65536)],
    "lmstudio": [ModelInfo(id="qwen/qwen3-coder-30b")],
    "fastchat": [ModelInfo(id="vicuna-7b-v1.5")],
    "llamacpp": [ModelInfo(id="Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf")],  # trained with a window, not loaded with it
    "gemini": [ModelInfo(id="gemini-3.8-flash", name="Gemini 3.8 Flash", context_window=1_048_576, max_output=65_536)],
    "huggingface": [
        GPT_OSS,
        msgspec.structs.replace(
            GPT_OSS, id=f"{GPT_OSS.id}:deepinfra", price_input=Decimal("0.05"), price_output=Decimal("0.24")
        ),
        msgspec.structs.replace(
            GPT_OSS, id=f"{GPT_OSS.id}:groq", price_input=Decimal("0.15"), price_output=Decimal("0.75")
        ),
    ],
}


@pytest.mark.parametrize("name", LISTED)
async def test_listed_models_have_all_that_the_provider_reports(name: str) -> None:
    network = Network((wire.FIXTURES / name / "models.json").read_bytes(), {"content-type": "application/json"})
    keys = dict.fromkeys(("OPENROUTER_API_KEY", "GEMINI_API_KEY", "HF_TOKEN"), "k")
    assert await provider_on(name, keys, network).list_models() == LISTED[name]
    assert (network.sent[0].method, "/models" in network.sent[0].url) == ("GET", True)


async def test_limits_missing_in_a_list_come_from_the_catalog() -> None:
    network = Network((wire.FIXTURES / "openai-chat" / "models.json").read_bytes())
    models = await provider_on("openai", {"OPENAI_API_KEY": "k"}, network).list_models()
    assert models == [
        ModelInfo(id="gpt-6.1-terra", context_window=1_050_000, max_output=128_000),
        ModelInfo(id="o3", context_window=200_000, max_output=100_000),
    ]


async def test_without_a_list_endpoint_the_catalogs_models_are_listed() -> None:
    network = Network()
    models = await provider_on("vertex", VERTEX, network).list_models()
    assert models[0] == ModelInfo(id="gemini-4-argon", context_window=1_048_576, max_output=1_048_576)
    assert all(model.context_window and model.max_output for model in models)
    azure = provider_on("azure", AZURE, network)
    assert await azure.list_models() == []
    with pytest.raises(ProviderError) as caught:  # a model's name is no deployment's
        await azure.generate_unified(UnifiedRequest(prompt="Hi"))
    assert (caught.value.kind, network.sent) == (ErrorKind.MODEL_NOT_FOUND, [])


@pytest.mark.parametrize(
    ("reported", "means"),
    [
        ("0.000004", Decimal(4)),
        (0.000004, Decimal(4)),
        ("0", Decimal(0)),
        ("-1", None),
        ("", None),
        ("free", None),
        ("NaN", None),
        ("1e999999", None),
        (None, None),
        ({}, None),
        (True, None),
    ],
)
def test_a_price_is_a_valid_number_or_unknown(reported: object, means: Decimal | None) -> None:
    listed = {"data": [{"id": "m", "pricing": {"prompt": reported, "completion": "0"}}]}
    (model,) = pipeline("openai_chat").parser.parse_models(msgspec.json.encode(listed))
    assert (model.price_input, model.price_output) == (means, Decimal(0))


def test_a_route_that_is_down_is_left_out() -> None:
    routes = [
        {"provider": "a", "status": "live", "context_length": 9},
        {"provider": "b", "status": "error", "context_length": 5},
        {"provider": "c", "context_length": 7, "pricing": None},
        {"status": "live"},
    ]
    listed = {"data": [{"id": "m", "providers": routes}]}
    assert pipeline("openai_chat").parser.parse_models(msgspec.json.encode(listed)) == [
        ModelInfo(id="m", context_window=7),
        ModelInfo(id="m:a", context_window=9),
        ModelInfo(id="m:c", context_window=7),
    ]


GOOGLE = "https://generativelanguage.googleapis.com/v1beta"
IN_EU = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1/publishers/google"


@pytest.mark.parametrize(
    ("name", "base_url", "model", "known"),
    [
        ("gemini", GOOGLE, "gemini-3.8-flash", True),
        ("gemini", GOOGLE, "gemini-9-future", False),
        ("gemini", "https://proxy.example/v1beta", "gemini-3.8-flash", False),
        ("vertex", IN_EU, "gemini-4-argon", True),
        ("vertex", "https://googleapis.com.example/v1", "gemini-4-argon", False),
        ("azure", "https://r.openai.azure.com/openai/v1", "gpt-6.1-terra", True),
        ("azure", "https://r.openai.azure.com/openai/v1", "gpt-6.1-terra-2026-09-01", True),
        ("azure", "https://r.openai.azure.com/openai/v1", "my-deployment", False),
        ("azure", "https://gateway.example/openai/v1", "gpt-6.1-terra", False),
        ("huggingface", "https://router.huggingface.co/v1", "openai/gpt-oss-120b:groq", True),
        ("huggingface", "https://router.huggingface.co/v1", "openai/gpt-oss-120b:cheapest", False),
        ("huggingface", "https://router.huggingface.co/v1", "openai/gpt-oss-120b", False),
        ("openrouter", "https://openrouter.ai/api/v1", "openai/gpt-6-luna", False),
        ("ollama-cloud", "https://ollama.com", "gpt-oss:120b", False),
    ],
)
async def test_a_price_is_known_for_models_on_the_price_list(
    name: str, base_url: str, model: str, *, known: bool
) -> None:
    assert (await cost_of(USAGE, provider_spec(name), base_url, model) is not None) is known


async def test_every_model_named_for_vertex_has_a_price() -> None:
    spec = provider_spec("vertex")
    assert [model for model in spec.models or () if await cost_of(USAGE, spec, IN_EU, model) is None] == []


async def test_a_deployment_costs_what_the_model_behind_it_costs() -> None:
    azure = provider_on("azure", AZURE, Network(), base_models={"mine": "gpt-6.1-terra"})
    assert await azure.cost_of(USAGE, "mine") == await azure.cost_of(USAGE, "gpt-6.1-terra")
    assert await azure.cost_of(USAGE, "other") is None


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.25, "is_byok": False, "cost_details": {"upstream_inference_cost": 4}}, Decimal("0.25")),
        ({"cost": 0.25, "is_byok": True, "cost_details": {"upstream_inference_cost": 4}}, Decimal("4.25")),
        ({"cost": 0.25, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": 0.25, "is_byok": True}, None),
        ({"cost": 0}, Decimal(0)),
        ({}, None),
    ],
)
async def test_an_upstream_bill_is_part_of_the_cost(usage: dict[str, object], cost: Decimal | None) -> None:
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    network = Network(msgspec.json.encode(body), {"content-type": "application/json", "x-generation-id": "gen-1"})
    provider = provider_on("openrouter", {"OPENROUTER_API_KEY": "k"}, network)
    answer = await provider.generate_unified(request_for("m", stream=False))
    assert (answer.cost, answer.request_id) == (cost, "gen-1")
