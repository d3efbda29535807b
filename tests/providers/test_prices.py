"""What an answer costs: as the price list says for the provider's own hosts, and unknown wherever it is."""

from __future__ import annotations

from decimal import Decimal

import genai_prices
import pytest

from swebench_providers import TokenUsage, UnifiedRequest
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.prices import cost_of
from swebench_providers.transport import Transport
from tests.fault_server import FaultServer, Script, json_body
from tests.providers.dialects import ASK, provider_at, speak

USAGE = TokenUsage(prompt_tokens=10_000, completion_tokens=2_000, cached_tokens=4_000, cache_write_tokens=1_000)
OPENAI, ANTHROPIC, OLLAMA, COMPATIBLE = (
    provider_spec(name) for name in ("openai", "anthropic", "ollama", "compatible")
)


def is_priced(name: str) -> bool:
    spec = provider_spec(name)
    return spec.price == "list" and bool(spec.base_url and spec.default_model)


@pytest.mark.parametrize(("name", "model"), [("openai", "gpt-5"), ("anthropic", "claude-opus-5-5")])
async def test_a_known_model_costs_what_the_list_says_with_cached_tokens_at_their_own_price(
    name: str, model: str
) -> None:
    spec = provider_spec(name)
    expected = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=10_000, output_tokens=2_000, cache_read_tokens=4_000, cache_write_tokens=1_000),
        model,
        provider_id=spec.prices_id,
    ).total_price
    assert await cost_of(USAGE, spec, spec.base_url, model) == expected > 0
    uncached = TokenUsage(prompt_tokens=10_000, completion_tokens=2_000)
    dearer = await cost_of(uncached, spec, spec.base_url, model)
    assert dearer is not None
    assert dearer > expected


@pytest.mark.parametrize("name", [name for name in provider_names() if is_priced(name)])
async def test_the_default_model_of_a_vendor_has_a_price(name: str) -> None:
    spec = provider_spec(name)
    assert (await cost_of(USAGE, spec, spec.base_url, spec.default_model) or 0) > 0


async def test_a_model_that_is_not_on_the_list_has_an_unknown_price() -> None:
    assert await cost_of(USAGE, OPENAI, OPENAI.base_url, "a-model-nobody-knows") is None
    assert await cost_of(USAGE, OPENAI, OPENAI.base_url, "") is None


async def test_what_runs_on_ones_own_machine_costs_nothing_counted_or_not() -> None:
    assert await cost_of(USAGE, OLLAMA, "http://127.0.0.1:11434", "m") == Decimal(0)
    assert await cost_of(None, OLLAMA, None, "m") == Decimal(0)


async def test_without_a_count_the_cost_is_unknown() -> None:
    assert await cost_of(None, OPENAI, OPENAI.base_url, "gpt-5") is None
    assert await cost_of(USAGE, COMPATIBLE, "http://127.0.0.1:8000/v1", "gpt-5") is None


@pytest.mark.parametrize(
    ("base_url", "known"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://gateway.example/v1", False),
        ("https://api.openai.com.example/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        (None, False),
    ],
)
async def test_the_list_holds_for_the_vendors_own_hosts_and_no_other(base_url: str | None, *, known: bool) -> None:
    assert (await cost_of(USAGE, OPENAI, base_url, "gpt-5") is not None) is known


async def test_what_the_provider_says_it_charges_goes_before_any_list() -> None:
    said = TokenUsage(prompt_tokens=10, completion_tokens=5, reported_cost=Decimal("0.0123"))
    for spec, base_url in ((OPENAI, OPENAI.base_url), (COMPATIBLE, "https://router.example/v1")):
        assert await cost_of(said, spec, base_url, "gpt-5") == Decimal("0.0123")


@pytest.mark.parametrize(
    "usage",
    [
        TokenUsage(prompt_tokens=5, completion_tokens=1, cached_tokens=10),
        TokenUsage(prompt_tokens=5, completion_tokens=1, cached_tokens=3, cache_write_tokens=3),
        TokenUsage(prompt_tokens=-5, completion_tokens=1),
    ],
    ids=["more cached than read", "parts beyond the whole", "negative"],
)
async def test_counts_that_cannot_be_have_no_price_and_lose_no_answer(usage: TokenUsage) -> None:
    assert await cost_of(usage, ANTHROPIC, ANTHROPIC.base_url, "claude-opus-5-5") is None


async def test_an_answer_carries_its_cost(fault_server: FaultServer, transport: Transport) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    fault_server.enqueue(json_body(body))
    priced = await speak(fault_server.base_url, "compatible", transport).generate_unified(ASK)
    assert priced.cost == Decimal("0.25")
    fault_server.default = Script("a")
    assert (await speak(fault_server.base_url, "ollama", transport).generate_unified(ASK)).cost == Decimal(0)
    elsewhere = provider_at(f"{fault_server.base_url}/v1", "openai", transport)
    assert (await elsewhere.generate_unified(UnifiedRequest(model="gpt-5", prompt="Hi"))).cost is None
