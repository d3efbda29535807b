"""Targets: a provider and one of its models."""

from __future__ import annotations

import msgspec

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.redaction import is_a_key


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What one column of a comparison runs. An empty `model` is the provider's default."""

    provider: str
    model: str = ""
    temperature: float | None = None

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider


def parse_target(text: str) -> Target:
    """`PROVIDER` or `PROVIDER:MODEL`; a model's own colons stay in it. Raises `ProviderError` (invalid_request)."""
    provider, _, model = text.strip().partition(":")
    if any(map(is_a_key, (provider, *model.split(":")))):  # not shown again: arguments and screens are seen by others
        raise ProviderError(
            ErrorKind.INVALID_REQUEST,
            "an API key in place of a provider or model",
            hint="Write it as PROVIDER:MODEL. `swebench-tui provider init PROVIDER` takes the key.",
        )
    if not provider:
        raise ProviderError(
            ErrorKind.INVALID_REQUEST, f"no provider in {text!r}", hint="Write it as PROVIDER:MODEL or PROVIDER."
        )
    return Target(provider=provider, model=model)
