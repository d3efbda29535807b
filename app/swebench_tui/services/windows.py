"""Context window and output limit of a target's model: from the server, the provider's list or the catalog."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from swebench_providers import ModelInfo, ProviderError, catalog
from swebench_tui.services.provider_access import ProviderAccess

if TYPE_CHECKING:
    from swebench_providers import Provider

_LIST_SECONDS: Final = 10.0
_UNKNOWN_OUTPUT: Final = 4_096
"""Tokens kept for an answer whose limit is not known."""


class ModelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a model in tokens; None is unknown. `source` is where the window is from."""

    window: int | None = None
    max_output: int | None = None
    source: Literal["server", "provider's list", "catalog", "unknown"] = "unknown"

    def answer_tokens(self, max_tokens: int | None) -> int:
        """Tokens of the window that are kept for the answer, where its request is limited to `max_tokens`.

        That limit, else the model's; half of the window at most. Where no limit is known, a quarter of the window, up
        to 4,096.
        """
        window = self.window or 0
        limit = max_tokens or self.max_output
        return min(limit, window // 2) if limit else min(_UNKNOWN_OUTPUT, window // 4)


async def model_limits(access: ProviderAccess, provider: Provider, model: str) -> ModelLimits:
    """The limits of `model` at `provider`. Raises nothing: a list that cannot be had leaves the catalog.

    A local server is asked for the window it has loaded, and of a provider the list of models is requested.
    """
    config = await asyncio.to_thread(access.describe_config, provider.name)
    profile = catalog.profile_of(provider.spec, config.base_models.get(model, model))
    listed = None
    try:
        async with asyncio.timeout(_LIST_SECONDS):
            listed = await access.run(_listed(provider, model))
    except (ProviderError, TimeoutError):
        pass
    if listed is not None and listed.context_window and listed.context_window != profile.context_window:
        source: Literal["server", "provider's list"] = "server" if provider.spec.local else "provider's list"
        output = listed.max_output or profile.max_output
        return ModelLimits(window=listed.context_window, max_output=output, source=source)
    if profile.context_window:
        return ModelLimits(window=profile.context_window, max_output=profile.max_output, source="catalog")
    return ModelLimits(max_output=profile.max_output)


async def _listed(provider: Provider, model: str) -> ModelInfo | None:
    from swebench_providers import HTTPProvider  # noqa: PLC0415 - imports every wire format

    found = [info for info in await provider.list_models() if info.id in {model, f"{model}:latest"}]
    if not found and provider.spec.local:
        found = [ModelInfo(id=model)]  # a server of one model answers to any name
    if found and isinstance(provider, HTTPProvider):
        found = await provider.describe(found)
    return found[0] if found else None
