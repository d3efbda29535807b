"""The cost of an answer: by which source, for which tokens and hosts; and unknown is None."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import genai_prices
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ModelInfo, ModelPrice, ProviderConfig, ProviderError, TokenUsage, UnifiedRequest
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.pricing.model_list import ListedPrices
from swebench_providers.pricing.prices import Prices, cost_of
from swebench_providers.protocols.openai_models import parse_models
from swebench_providers.provider import HTTPProvider
from swebench_providers.types.errors import ErrorKind
from swebench_providers.types.models import MAX_PRICE
from tests.fault_server import FaultServer, Script, UsageSent, failing, json_body
from tests.providers.dialects import REQUEST, provider_at, provider_for

USAGE = TokenUsage(prompt_tokens=10_000, completion_tokens=2_000, cached_tokens=4_000, cache_write_tokens=1_000)
OPENAI, ANTHROPIC, OLLAMA, COMPATIBLE = (
    provider_spec(name) for name in ("openai", "anthropic", "ollama", "compatible")
)


def is_priced(name: str) -> bool:
    spec = provider_spec(name)
    return spec.price == "list" and bool(spec.base_url and spec.default_model)


@pytest.mark.parametrize(("name", "model"), [("openai", "gpt-5"), ("anthropic", "claude-opus-5-5")])
async def test_cached_tokens_of_a_listed_model_have_their_own_price(name: str, model: str) -> None:
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


async def test_a_model_that_is_not_listed_has_no_price() -> None:
    assert await cost_of(USAGE, OPENAI, OPENAI.base_url, "a-model-nobody-knows") is None
    assert await cost_of(USAGE, OPENAI, OPENAI.base_url, "") is None


async def test_local_models_are_free_with_or_without_a_count() -> None:
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
async def test_the_list_applies_to_the_vendors_own_hosts_only(base_url: str | None, *, known: bool) -> None:
    assert (await cost_of(USAGE, OPENAI, base_url, "gpt-5") is not None) is known


async def test_a_reported_charge_takes_precedence_over_any_list() -> None:
    reported = TokenUsage(prompt_tokens=10, completion_tokens=5, reported_cost=Decimal("0.0123"))
    for spec, base_url in ((OPENAI, OPENAI.base_url), (COMPATIBLE, "https://router.example/v1")):
        assert await cost_of(reported, spec, base_url, "gpt-5") == Decimal("0.0123")


@pytest.mark.parametrize(
    "usage",
    [
        TokenUsage(prompt_tokens=5, completion_tokens=1, cached_tokens=10),
        TokenUsage(prompt_tokens=5, completion_tokens=1, cached_tokens=3, cache_write_tokens=3),
        TokenUsage(prompt_tokens=-5, completion_tokens=1),
    ],
    ids=["more cached than read", "parts beyond the whole", "negative"],
)
async def test_impossible_counts_have_no_price_and_raise_nothing(usage: TokenUsage) -> None:
    assert await cost_of(usage, ANTHROPIC, ANTHROPIC.base_url, "claude-opus-5-5") is None


async def test_an_answer_carries_its_cost(fault_server: FaultServer, transport: Transport) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    fault_server.enqueue(json_body(body))
    priced = await provider_for(fault_server.base_url, "compatible", transport).generate_unified(REQUEST)
    assert priced.cost == Decimal("0.25")
    fault_server.default = Script("a")
    assert (await provider_for(fault_server.base_url, "ollama", transport).generate_unified(REQUEST)).cost == Decimal(0)
    elsewhere = provider_at(f"{fault_server.base_url}/v1", "openai", transport)
    assert (await elsewhere.generate_unified(UnifiedRequest(model="gpt-5", prompt="Hi"))).cost is None


# The user's own prices

OWN = ModelPrice(input=Decimal("1.25"), output=Decimal(10), cached_input=Decimal("0.125"), cache_write=Decimal(2))
amounts = st.decimals(0, MAX_PRICE, places=6)
counts = st.integers(0, 10_000_000)
usages = st.builds(
    lambda plain, cached, written, completed: TokenUsage(
        prompt_tokens=plain + cached + written,
        completion_tokens=completed,
        cached_tokens=cached,
        cache_write_tokens=written,
    ),
    *(counts,) * 4,
)
own_prices = st.builds(
    ModelPrice, input=amounts, output=amounts, cached_input=st.none() | amounts, cache_write=st.none() | amounts
)


def prices_of(name: str, base_url: str | None = None, **fields: Any) -> Prices:
    spec = provider_spec(name)
    return Prices(spec, ProviderConfig(name=name, base_url=base_url or spec.base_url, **fields))


@given(own_prices, usages)
def test_an_own_price_is_hand_arithmetic_to_the_last_digit(price: ModelPrice, usage: TokenUsage) -> None:
    plain = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    by_hand = (
        plain * price.input
        + usage.cached_tokens * (price.input if price.cached_input is None else price.cached_input)
        + usage.cache_write_tokens * (price.input if price.cache_write is None else price.cache_write)
        + usage.completion_tokens * price.output
    )
    assert (price.cost(usage) or Decimal(0)) * 1_000_000 == by_hand


@given(own_prices, usages, counts, counts)
def test_a_cost_never_falls_with_more_tokens(price: ModelPrice, usage: TokenUsage, read: int, written: int) -> None:
    more = msgspec.structs.replace(
        usage, prompt_tokens=usage.prompt_tokens + read, completion_tokens=usage.completion_tokens + written
    )
    less, dearer = price.cost(usage), price.cost(more)
    assert less is not None
    assert dearer is not None
    assert 0 <= less <= dearer


@pytest.mark.parametrize("amount", ["-1", "-0", "NaN", "Infinity", "1000000.01", "1e999999", "1e-999999", "0e-999999"])
def test_an_impossible_amount_is_refused(amount: str) -> None:
    for field in ("input", "output", "cached_input", "cache_write"):
        with pytest.raises(ValueError, match="is not a price"):
            msgspec.convert({"input": "1", "output": "1", field: amount}, ModelPrice)


async def test_an_own_price_takes_precedence_over_lists_and_free() -> None:
    for name, model in (("openai", "gpt-5"), ("ollama", "qwen3"), ("ollama", "x-cloud"), ("compatible", "m")):
        prices = prices_of(name, prices={model: OWN})
        assert await prices.cost_of(USAGE, model) == OWN.cost(USAGE) == Decimal("0.02875")
        assert await prices.price_of(model) == OWN
        assert await prices.cost_of(None, model) is None
    assert await prices_of("ollama", prices={"qwen3": OWN}).cost_of(USAGE, "other") == Decimal(0)


async def test_an_own_price_applies_to_the_requested_and_deployed_name() -> None:
    prices = prices_of("openai", prices={"gpt-5": OWN})
    assert await prices.cost_of(USAGE, "gpt-5-2025-08-07", requested_model="gpt-5") == OWN.cost(USAGE)
    deployed = prices_of("azure", AZURE, base_models={"mine": "gpt-5"}, prices={"gpt-5": OWN})
    assert await deployed.cost_of(USAGE, "mine") == OWN.cost(USAGE)


async def test_a_whole_answer_is_priced_by_the_requested_name(fault_server: FaultServer, transport: Transport) -> None:
    choices = [{"message": {"content": "a"}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    fault_server.enqueue(json_body({"model": "Acme/A-30B", "choices": choices, "usage": usage}))
    provider = provider_for(fault_server.base_url, "compatible", transport, prices={"m": OWN})
    answer = await provider.generate_unified(REQUEST)
    assert (answer.model, answer.cost) == ("Acme/A-30B", Decimal("0.0000625"))


async def test_a_reported_charge_takes_precedence_over_an_own_price() -> None:
    reported = msgspec.structs.replace(USAGE, reported_cost=Decimal("0.5"))
    for batch in (False, True):
        assert await prices_of("azure", AZURE, prices={"m": OWN}).cost_of(reported, "m", batch=batch) == Decimal("0.5")


async def test_impossible_counts_have_no_own_price_either() -> None:
    for usage in (
        TokenUsage(prompt_tokens=5, cached_tokens=6),
        TokenUsage(prompt_tokens=-1),
        TokenUsage(prompt_tokens=5, cached_tokens=3, cache_write_tokens=3),
        TokenUsage(prompt_tokens=5, completion_tokens=-1),
    ):
        assert await prices_of("openai", prices={"gpt-5": OWN}).cost_of(usage, "gpt-5") is None


# Names of models

AZURE = "https://r.openai.azure.com/openai/v1"


@pytest.mark.parametrize(
    ("name", "answered", "requested_model", "known"),
    [
        ("huggingface", "openai/gpt-oss-120b", "openai/gpt-oss-120b:groq", True),
        ("huggingface", "another/model", "openai/gpt-oss-120b:groq", False),
        ("openai", "gpt-6.2-astra", "gpt-5", False),  # what answered has no price, and is not what was asked for
        ("openai", "gpt-5", "a-model-nobody-knows", True),
    ],
)
async def test_a_price_is_that_of_the_model_that_answered(
    name: str, answered: str, requested_model: str, *, known: bool
) -> None:
    assert (await prices_of(name).cost_of(USAGE, answered, requested_model=requested_model) is not None) is known


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "glm-4.6:cloud", "kimi-k2:1t-cloud"])
async def test_cloud_models_of_a_local_server_are_not_free(model: str) -> None:
    assert await prices_of("ollama").cost_of(USAGE, model) is None
    assert await prices_of("ollama").cost_of(USAGE, model.removesuffix("-cloud"), requested_model=model) is None
    assert await prices_of("ollama").price_of(model) is None
    assert not provider_spec("ollama").is_free(model)
    assert provider_spec("ollama").is_free("cloud-model")


async def test_models_charged_by_other_units_have_no_price_per_token() -> None:
    for model in ("tts-1", "whisper-1"):
        assert await prices_of("openai").cost_of(USAGE, model) is None
        assert await prices_of("openai").price_of(model) is None


# Batch jobs


@pytest.mark.parametrize(
    ("name", "model"), [("openai", "gpt-6-luna"), ("anthropic", "claude-haiku-4-5"), ("gemini", "gemini-3.7-flash")]
)
async def test_a_batch_job_costs_half_by_list_and_own_price(name: str, model: str) -> None:
    plain = TokenUsage(prompt_tokens=10_000, completion_tokens=2_000)
    for prices in (prices_of(name), prices_of(name, prices={model: OWN})):
        full = await prices.cost_of(plain, model)
        assert full is not None
        assert await prices.cost_of(plain, model, batch=True) == full / 2 > 0


async def test_batch_rates_on_the_list_take_precedence() -> None:
    cached = TokenUsage(prompt_tokens=1_000_000, cached_tokens=1_000_000)
    full = await prices_of("openai").cost_of(cached, "gpt-4o")
    assert await prices_of("openai").cost_of(cached, "gpt-4o", batch=True) == full  # not discounted twice


def test_batches_are_billed_by_the_share_that_was_read() -> None:
    shares = {name: provider_spec(name).batch_share for name in provider_names()}
    half = Decimal("0.5")
    assert {name: share for name, share in shares.items() if share is not None} == {
        "anthropic": half,
        "gemini": half,
        "openai": half,
    }


@pytest.mark.parametrize("name", [name for name in provider_names() if provider_spec(name).batch_share is None])
async def test_without_known_batch_prices_the_cost_is_unknown(name: str) -> None:
    for prices in (prices_of(name), prices_of(name, prices={"m": OWN})):
        assert await prices.cost_of(USAGE, "m", batch=True) is None


# The provider's own list

LISTED = {
    "data": [
        {
            "id": "acme/a",
            "pricing": {
                "prompt": "0.000002",
                "completion": "0.00001",
                "input_cache_read": "0.0000002",
                "input_cache_write": "0.0000025",
            },
        },
        {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
    ]
}
ACME = ModelPrice(input=Decimal(2), output=Decimal(10), cached_input=Decimal("0.2"), cache_write=Decimal("2.5"))


ACME_A = ModelInfo(
    id="acme/a",
    price_input=Decimal(2),
    price_output=Decimal(10),
    price_cached_input=Decimal("0.2"),
    price_cache_write=Decimal("2.5"),
)


def openrouter(server: FaultServer, transport: Transport, **fields: Any) -> HTTPProvider:
    server.by_path["/api/v1/models"] = json_body(LISTED)
    return provider_at(f"{server.base_url}/api/v1", "openrouter", transport, **fields)


def times_listed(server: FaultServer) -> int:
    return sum(request.path == "/api/v1/models" for request in server.requests)


async def test_a_routers_list_prices_an_answer_that_reports_no_cost(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = openrouter(fault_server, transport)
    fault_server.default = Script("a", prompt_tokens=1000, cached_tokens=400, usage=UsageSent.ALWAYS)
    answer = await provider.generate_unified(UnifiedRequest(model="acme/a", prompt="Hi"))
    assert answer.usage is not None
    assert answer.cost == (600 * Decimal(2) + 400 * Decimal("0.2") + answer.usage.completion_tokens * 10) / 1_000_000
    assert await provider.cost_of(USAGE, "acme/a-20260901", requested_model="acme/a") == ACME.cost(USAGE)
    assert await provider.cost_of(USAGE, "acme/a-mini", requested_model="acme/a") is None
    assert await provider.cost_of(USAGE, "openrouter/auto") is None
    assert await provider.cost_of(USAGE, "acme/a", batch=True) is None
    assert times_listed(fault_server) == 1


async def test_a_router_is_billed_by_the_requested_route(fault_server: FaultServer, transport: Transport) -> None:
    routes = [{"provider": "near", "pricing": {"input": 1, "output": 2}}, {"provider": "far"}]
    fault_server.by_path["/v1/models"] = json_body({"data": [{"id": "acme/a", "providers": routes}]})
    provider = provider_at(f"{fault_server.base_url}/v1", "huggingface", transport)
    assert await provider.cost_of(USAGE, "acme/a", requested_model="acme/a:near") == Decimal("0.014")
    assert await provider.cost_of(USAGE, "acme/a", requested_model="acme/a:far") is None
    assert await provider.cost_of(USAGE, "acme/a") is None


async def test_an_answer_that_reports_its_cost_asks_for_no_list(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = openrouter(fault_server, transport)
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}
    fault_server.enqueue(
        json_body({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage})
    )
    answer = await provider.generate_unified(UnifiedRequest(model="acme/a", prompt="Hi"))
    assert (answer.cost, times_listed(fault_server)) == (Decimal("0.25"), 0)


async def test_many_who_ask_for_prices_at_once_cause_one_request(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = openrouter(fault_server, transport, prices={"acme/own": OWN})
    models = ["acme/a", "acme/b", "openrouter/auto", "acme/own"] * 25
    found = await asyncio.gather(*map(provider.price_of, models))
    assert found == [ACME, None, None, OWN] * 25
    assert await provider.price_of("acme/a") == ACME
    assert times_listed(fault_server) == 1


async def test_a_list_that_came_anyway_is_not_asked_for_again(fault_server: FaultServer, transport: Transport) -> None:
    provider = openrouter(fault_server, transport)
    await provider.list_models()
    assert await provider.price_of("acme/a") == ACME
    assert times_listed(fault_server) == 1


async def test_prices_are_unknown_until_the_list_is_fetched(fault_server: FaultServer, transport: Transport) -> None:
    provider = openrouter(fault_server, transport)
    fault_server.by_path["/api/v1/models"] = failing(503)
    assert await asyncio.gather(*(provider.price_of("acme/a") for _ in range(20))) == [None] * 20
    assert await provider.cost_of(USAGE, "acme/a") is None
    assert times_listed(fault_server) == 2
    fault_server.by_path["/api/v1/models"] = json_body(LISTED)
    assert await provider.cost_of(USAGE, "acme/a") == ACME.cost(USAGE)


async def test_an_answer_does_not_wait_forever_for_a_list() -> None:
    async def never() -> list[ModelInfo]:
        await asyncio.Event().wait()
        raise ProviderError(ErrorKind.TIMEOUT, "not reached", hint="")

    assert await ListedPrices(never, timeout=0.01).price_of("m") is None


async def test_a_cancelled_caller_does_not_cancel_the_list() -> None:
    requested, resume = asyncio.Event(), asyncio.Event()

    async def listing() -> list[ModelInfo]:
        requested.set()
        await resume.wait()
        return [ModelInfo(id="m", price_input=Decimal(1), price_output=Decimal(2))]

    listed = ListedPrices(listing)
    first, second = (asyncio.create_task(listed.price_of("m")) for _ in range(2))
    await requested.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    resume.set()
    assert await second == ModelPrice(input=Decimal(1), output=Decimal(2))


def test_a_list_serves_one_loop_after_the_other() -> None:
    tries = []

    async def listing() -> list[ModelInfo]:
        tries.append(1)
        raise ProviderError(ErrorKind.TRANSIENT, "no", hint="")

    listed = ListedPrices(listing)
    assert [asyncio.run(listed.price_of("m")) for _ in range(2)] == [None, None]
    assert len(tries) == 2


def test_a_stopped_loop_does_not_block_the_list_for_others() -> None:
    lists = [asyncio.sleep(3600, [ModelInfo(id="m")]), asyncio.sleep(0, [ACME_A])]

    async def listing() -> list[ModelInfo]:
        return await lists.pop(0)

    listed, stopped = ListedPrices(listing), asyncio.new_event_loop()
    waiting = stopped.create_task(listed.price_of("acme/a"))
    while len(lists) == 2:
        stopped.run_until_complete(asyncio.sleep(0))
    assert asyncio.run(listed.price_of("acme/a")) == ACME
    (asking,) = asyncio.all_tasks(stopped) - {waiting}
    asking.cancel()
    stopped.run_until_complete(asyncio.wait([asking, waiting]))
    assert waiting.cancelled()
    stopped.close()


@pytest.mark.parametrize(
    "pricing",
    [
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "-0.0", "completion": "0"},
        {"prompt": "0.000001", "completion": "1.5"},  # more than a dollar a token
        {"prompt": "0.000001", "completion": "1e-999999"},
        {"prompt": "0e-999999", "completion": "0"},
        {"prompt": "0.000001"},
        {"prompt": "0", "completion": "0", "request": "0.005"},  # and so much for each request
    ],
)
def test_an_impossible_or_partial_listed_price_is_unknown(pricing: Mapping[str, str]) -> None:
    (model,) = parse_models(msgspec.json.encode({"data": [{"id": "m", "pricing": pricing}]}))
    assert model.price is None


@given(st.text() | st.floats() | st.integers() | st.decimals().map(str))
def test_any_value_on_a_list_is_a_price_or_unknown(value: object) -> None:
    body = msgspec.json.encode({"data": [{"id": "m", "pricing": {"prompt": value, "completion": value}}]})
    (model,) = parse_models(body)
    assert model.price is None or 0 <= model.price.input <= MAX_PRICE
    assert len(f"{model.price_input or 0:f}") < 50


# The bundled list


async def test_the_price_shown_is_the_price_billed() -> None:
    for name, model in (("openai", "gpt-6-luna"), ("anthropic", "claude-haiku-5-5"), ("gemini", "gemini-3.8-flash")):
        price = await prices_of(name).price_of(model)
        assert price is not None
        usage = TokenUsage(prompt_tokens=2_000, completion_tokens=500, cached_tokens=800)
        assert price.cost(usage) == await prices_of(name).cost_of(usage, model)
    assert await prices_of("openai").price_of("gpt-4-nobody-knows") is None
    assert await prices_of("openai", "https://gateway.example/v1").price_of("gpt-5") is None


@pytest.mark.parametrize(
    ("name", "model"), [("anthropic", "claude-sonnet-4-5"), ("gemini", "gemini-2.5-pro"), ("openai", "gpt-6-luna")]
)
@pytest.mark.parametrize("prompt_tokens", [1, 200_000, 200_001, 900_000])
async def test_the_price_shown_has_the_tiers_of_long_prompts(name: str, model: str, prompt_tokens: int) -> None:
    price = await prices_of(name).price_of(model)
    assert price is not None
    usage = TokenUsage(prompt_tokens=prompt_tokens, completion_tokens=500, cached_tokens=prompt_tokens // 2)
    assert price.cost(usage) == await prices_of(name).cost_of(usage, model)


def test_each_tier_applies_above_its_own_length() -> None:
    def price(dollars: int, long_from: int = 0, long_prompt: ModelPrice | None = None) -> ModelPrice:
        return ModelPrice(input=Decimal(dollars), output=Decimal(dollars), long_from=long_from, long_prompt=long_prompt)

    tiered = price(1, 100, price(2, 200, price(3)))
    rates = [tiered.for_prompt(tokens).input for tokens in (100, 101, 200, 201)]
    assert rates == [1, 2, 2, 3]


def test_the_price_list_is_read_lazily_on_a_thread() -> None:
    program = """
import asyncio, sys, threading
from swebench_providers import ProviderConfig, TokenUsage
from swebench_providers.catalog import provider_spec
from swebench_providers.pricing.prices import Prices

def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("price_list.json"):
        print("main" if threading.current_thread() is threading.main_thread() else "thread")

sys.addaudithook(watch)

async def ask(name, model):
    spec = provider_spec(name)
    prices = Prices(spec, ProviderConfig(name=name, base_url=spec.base_url))
    await prices.price_of(model)
    await prices.cost_of(TokenUsage(prompt_tokens=1), model)

asyncio.run(ask("ollama", "m"))
print("free")
asyncio.run(ask("openai", "gpt-5"))
asyncio.run(ask("anthropic", "claude-opus-5-5"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["free", "thread"]
