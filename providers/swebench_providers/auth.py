"""How a request shows who is asking. A key goes into a header, never into an address (api-contracts 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from swebench_providers.secret import Secret


class AuthStrategy(Protocol):
    """Adds the credentials to a request's headers."""

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        """A new mapping: `base_headers` with the credentials added."""
        ...


class BearerTokenAuth:
    """`Authorization: Bearer KEY`."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return {**base_headers, "authorization": f"Bearer {self._key.reveal()}"}


class ApiKeyAuth:
    """The bare key in a header of the provider's own, such as `x-api-key`."""

    def __init__(self, key: Secret, header: str) -> None:
        self._key = key
        self._header = header

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return {**base_headers, self._header: self._key.reveal()}


class NoAuth:
    """Nothing: a local server that asks for no key."""

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return dict(base_headers)


def strategy(style: str, key: Secret | None) -> AuthStrategy:
    """The strategy a catalog file names in `auth`; without a key there is nothing to show."""
    if not key or style == "none":
        return NoAuth()
    return BearerTokenAuth(key) if style == "bearer" else ApiKeyAuth(key, style)
