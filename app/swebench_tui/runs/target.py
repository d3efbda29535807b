"""Who is asked: a provider, one of its models, and how."""

from __future__ import annotations

import msgspec

from swebench_providers import ErrorKind, ProviderError
from swebench_providers.redaction import is_a_key


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a comparison. An empty `model` takes the provider's default."""

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
            "an API key stands where a provider or a model is named",
            hint="Write it as PROVIDER:MODEL. `swebench-tui provider init PROVIDER` takes the key.",
        )
    if not provider:
        raise ProviderError(
            ErrorKind.INVALID_REQUEST, f"{text!r} names no provider", hint="Write it as PROVIDER:MODEL or PROVIDER."
        )
    return Target(provider=provider, model=model)
