"""The rate limits of the settings, as the policies take them."""

from __future__ import annotations

import msgspec

from swebench_providers.policies.limiter import RateLimits
from swebench_tui.settings.definitions import RateLimitSettings, Settings

_UNSET = RateLimitSettings()


def rate_limits(settings: Settings) -> dict[str, RateLimits]:
    """By provider; those without any are left to what the server says."""
    return {
        name: RateLimits(**msgspec.structs.asdict(provider.rate_limits))
        for name, provider in settings.providers.items()
        if provider.rate_limits != _UNSET
    }
