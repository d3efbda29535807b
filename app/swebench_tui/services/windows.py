"""Context window and output limit of a model: from its server, from the provider's list, or from the catalog."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from swebench_providers import ModelInfo, ProviderError, catalog

if TYPE_CHECKING:
    from swebench_providers import Provider, ProviderConfig, ProviderRegistry
    from swebench_providers.catalog.profiles import ModelProfile
    from swebench_tui.services.provider_access import ProviderAccess

LIST_SECONDS: Final = 5.0
"""How long the list of models, or a server's details, may take."""

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


async def model_limits(
    access: ProviderAccess, provider: Provider | None, model: str, profile: ModelProfile
) -> ModelLimits:
    """The limits of `model`. Raises nothing: what cannot be had is unknown.

    The window that a local server has loaded is requested. The list of another provider is requested only for a model
    that the catalog, in `profile`, does not know. Without `provider` nothing is requested.
    """
    local = provider is not None and provider.spec.local
    if provider is not None and model and (local or profile.context_window is None):
        listed = None
        with suppress(ProviderError, TimeoutError):
            async with asyncio.timeout(LIST_SECONDS):
                listed = await access.run(_listed(provider, model))
        if listed is not None and listed.context_window:
            return ModelLimits(
                window=listed.context_window,
                max_output=listed.max_output or profile.max_output,
                source="server" if local else "provider's list",
            )
    return ModelLimits(
        window=profile.context_window,
        max_output=profile.max_output,
        source="catalog" if profile.context_window else "unknown",
    )


def profile_of(registry: ProviderRegistry, config: ProviderConfig, model: str) -> ModelProfile:
    """The catalog's rules for a model of a provider. Raises `ProviderError` for an unknown provider."""
    return catalog.profile_of(registry.spec(config.name), config.base_models.get(model, model))


async def _listed(provider: Provider, model: str) -> ModelInfo | None:
    from swebench_providers import HTTPProvider  # noqa: PLC0415 - imports every wire format

    found = [info for info in await provider.list_models() if info.id in {model, f"{model}:latest"}]
    if not found and provider.spec.local:
        found = [ModelInfo(id=model)]  # a server of one model answers to any name
    if found and isinstance(provider, HTTPProvider):
        found = await provider.describe(found)
    return found[0] if found else None
