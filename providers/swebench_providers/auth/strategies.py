"""Authentication strategies: they put the credentials into a request's headers.

A key goes into a header, never into an address (wire-contracts 1.1, 1.2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from swebench_providers.redaction.scrubber import Scrubber, register
from swebench_providers.types.secret import Secret


class AuthStrategy(Protocol):
    """Adds the credentials to a request's headers."""

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        """A new mapping: `base_headers` with the credentials added."""
        ...


class ExpiringAuth(ABC):
    """A strategy whose credentials expire, and have to be fetched.

    A base class and not a protocol: each request checks for it, and `isinstance` of a protocol is slow.
    """

    @property
    @abstractmethod
    def token(self) -> Secret | None:
        """The current token; None before the first has been fetched."""

    @property
    def tokens(self) -> Sequence[Secret]:
        """Every token that a server may still quote: the current one, and in a subclass those before it."""
        return [self.token] if self.token else []

    @abstractmethod
    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        """As in `AuthStrategy`."""

    @abstractmethod
    async def renew(self) -> None:
        """Fetch new credentials if the current ones are missing or about to expire; else return at once.

        Raises `ProviderError` (auth, transient, bad_endpoint).
        """


async def renew(auth: AuthStrategy) -> None:
    """Await this before `prepare_headers`; only expiring credentials need it. Raises as `ExpiringAuth.renew`."""
    if isinstance(auth, ExpiringAuth):
        register(auth)
        await auth.renew()


def scrubber_for(auth: AuthStrategy, *secrets: Secret) -> Scrubber:
    """Masks `secrets`, such as the configured key, and every token that `auth` fetches."""
    if isinstance(auth, ExpiringAuth):
        return Scrubber(lambda: (*secrets, *auth.tokens))
    return Scrubber(lambda: secrets)


class BearerTokenAuth:
    """`Authorization: Bearer KEY`."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return {**base_headers, "authorization": f"Bearer {self._key.reveal()}"}


class ApiKeyAuth:
    """The bare key in a header that the provider names, such as `x-api-key`."""

    def __init__(self, key: Secret, header: str) -> None:
        self._key = key
        self._header = header

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return {**base_headers, self._header: self._key.reveal()}


class NoAuth:
    """No credentials, for a local server that needs no key."""

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return dict(base_headers)
