"""How a request shows who is asking. A key goes into a header, never into an address (api-contracts 1.1, 1.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from swebench_providers.types.secret import Secret


class AuthStrategy(Protocol):
    """Adds the credentials to a request's headers."""

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        """A new mapping: `base_headers` with the credentials added."""
        ...


class ExpiringAuth(ABC):
    """A strategy whose credentials run out, and have to be fetched.

    A base class, since each request asks whether it is one, and to ask that of a protocol takes long.
    """

    @property
    @abstractmethod
    def token(self) -> Secret | None:
        """What is shown now; None before the first has been fetched."""

    @abstractmethod
    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        """As of `AuthStrategy`."""

    @abstractmethod
    async def renew(self) -> None:
        """Fetch credentials where there are none that last; returns at once where there are.

        Raises `ProviderError` (auth, transient, bad_endpoint).
        """


async def renew(auth: AuthStrategy) -> None:
    """To be awaited before `prepare_headers`: only what expires needs it. Raises what `ExpiringAuth.renew` does."""
    if isinstance(auth, ExpiringAuth):
        await auth.renew()


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
