"""The models of targets: their names, limits and token counters, looked up once for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from swebench_providers import ProviderError
from swebench_tui.services.windows import ModelLimits, model_limits, profile_of

if TYPE_CHECKING:
    from swebench_providers import BlockingCounter, Provider
    from swebench_tui.runs.target import Target
    from swebench_tui.services.comparison import BaseURLs
    from swebench_tui.services.provider_access import ProviderAccess


class TargetModel(NamedTuple):
    """The model of a target. `name` is the one that is sent, and empty where it is not known.

    `provider` is None where it cannot be reached, as without its key: that fails an answer, not a prompt.
    """

    name: str
    provider: Provider | None
    limits: ModelLimits
    counter: BlockingCounter


class TargetModels:
    """Looks up models through the providers of `access`. `base_urls` replace configured addresses."""

    def __init__(self, access: ProviderAccess, base_urls: BaseURLs | None = None) -> None:
        self._access = access
        self._base_urls = base_urls
        self._known: dict[tuple[str, str], TargetModel] = {}

    def base_url(self, provider: str) -> str | None:
        """The address that replaces the configured one."""
        return self._base_urls.url(provider) if self._base_urls else None

    async def find(self, target: Target | None) -> TargetModel:
        """The model of a target; None is a model of which nothing is known.

        Raises `ProviderError` for an unknown provider alone.
        """
        from swebench_providers import blocking_counter  # noqa: PLC0415 - a native library that only counting needs

        if target is None:
            return TargetModel("", None, ModelLimits(), await asyncio.to_thread(blocking_counter, ""))
        key = (target.provider, target.model)
        if key not in self._known:
            config = await asyncio.to_thread(self._access.describe_config, target.provider)
            name = target.model or config.model or self._access.registry.spec(target.provider).default_model
            provider, name = await self._reach(target.provider, name)
            profile = profile_of(self._access.registry, config, name)
            limits = await model_limits(self._access, provider, name, profile)
            counter = await asyncio.to_thread(blocking_counter, config.base_models.get(name, name))
            found = TargetModel(name, provider, limits, counter)
            self._known[key] = found
        return self._known[key]

    def forget_unknown(self) -> None:
        """Look up models of unknown limits again when they are needed: a key or a server may be there by then."""
        self._known = {key: found for key, found in self._known.items() if found.provider and found.limits.window}

    async def _reach(self, provider_name: str, model: str) -> tuple[Provider | None, str]:
        provider = None
        try:
            provider = await self._access.resolve(provider_name, base_url=self.base_url(provider_name))
            return provider, model or await self._access.run(provider.default_model())
        except ProviderError:
            return provider, model
