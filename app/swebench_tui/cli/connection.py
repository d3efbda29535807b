"""Testing a provider as it is set up: what keeps it from being asked at all is an outcome too."""

from __future__ import annotations

import asyncio

import msgspec

from swebench_providers import ProviderError, ProviderRegistry, TimeLimits
from swebench_providers.connection_test import ConnectionReport, check, report_error


async def asked_once(
    registry: ProviderRegistry, name: str, model: str = "", *, time_limits: TimeLimits | None = None
) -> ConnectionReport:
    """Raises `ProviderError` only for a name there is none of: a key out of reach is in the report."""
    registry.spec(name)
    try:
        config = await asyncio.to_thread(registry.configure, name)  # may ask a keyring
        if time_limits is not None:
            config = msgspec.structs.replace(config, time_limits=time_limits)
        provider = registry.get_provider(name, config)
    except ProviderError as error:
        return report_error(name, error, model)
    return await check(provider, model)
