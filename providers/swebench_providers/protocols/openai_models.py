"""The model list of OpenAI and compatible servers, each with its own additional fields (wire-contracts 2.1, 2.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from swebench_providers.protocols.stream import decode
from swebench_providers.types.models import ModelInfo, is_price

_MILLION: Final = 1_000_000


class _Pricing(msgspec.Struct):
    """OpenRouter: USD per token in `prompt`, `completion` and `input_cache_*`, and a fee per `request`.

    Hugging Face: per million in `input` and `output`.
    """

    prompt: object = None
    completion: object = None
    input_cache_read: object = None
    input_cache_write: object = None
    request: object = None
    input: object = None
    output: object = None


class _Limits(msgspec.Struct):
    max_completion_tokens: int | None = None


class _Route(msgspec.Struct):
    """One of the upstreams to which a router can send requests for a model."""

    provider: str = ""
    status: str | None = None
    context_length: int | None = None
    pricing: _Pricing | None = None


class _Meta(msgspec.Struct):
    """llama.cpp: the loaded window, not `n_ctx_train`, the largest that the model supports."""

    n_ctx: int | None = None


class _Model(msgspec.Struct):
    id: str
    name: str | None = None
    max_model_len: int | None = None
    context_length: int | None = None
    meta: _Meta | None = None
    top_provider: _Limits | None = None
    pricing: _Pricing | None = None
    providers: list[_Route] | None = None


class _Models(msgspec.Struct):
    data: list[_Model] | None = None


_models = msgspec.json.Decoder(_Models)


def parse_models(body: bytes) -> list[ModelInfo]:
    """The models of a list, each followed by its routes as `MODEL:ROUTE`, the name that selects one.

    Raises `ProviderError` (incomplete) if the body is not such a list.
    """
    return [info for model in decode(_models, body).data or () for info in (_info(model), *_routes(model))]


def _info(model: _Model) -> ModelInfo:
    """The model on any route: the smallest window of all, and only a price that does not depend on the route."""
    windows = [route.context_length for route in _live(model) if route.context_length]
    loaded = model.meta.n_ctx if model.meta else None
    pricing = model.pricing or _Pricing()
    if _price(pricing.request):  # a fee per request, which prices per token cannot express
        pricing = _Pricing()
    return ModelInfo(
        id=model.id,
        name=model.name or "",
        context_window=model.max_model_len or model.context_length or loaded or min(windows, default=None),
        max_output=model.top_provider.max_completion_tokens if model.top_provider else None,
        price_input=_price(pricing.prompt, _MILLION),
        price_output=_price(pricing.completion, _MILLION),
        price_cached_input=_price(pricing.input_cache_read, _MILLION),
        price_cache_write=_price(pricing.input_cache_write, _MILLION),
    )


def _routes(model: _Model) -> list[ModelInfo]:
    return [
        ModelInfo(
            id=f"{model.id}:{route.provider}",
            context_window=route.context_length,
            price_input=_price(route.pricing.input) if route.pricing else None,
            price_output=_price(route.pricing.output) if route.pricing else None,
        )
        for route in _live(model)
    ]


def _live(model: _Model) -> list[_Route]:
    return [route for route in model.providers or () if route.provider and route.status in {None, "live"}]


def _price(value: object, tokens: int = 1) -> Decimal | None:
    """USD per million tokens; None for what is not a price, such as the -1 of a router that chooses the model."""
    try:
        price = Decimal(str(value)) * tokens
    except ArithmeticError:
        return None
    return price if is_price(price) else None
