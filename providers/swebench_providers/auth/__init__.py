"""Authentication of requests, and the choice of the strategy that a provider needs."""

from __future__ import annotations

from swebench_providers.auth.strategies import ApiKeyAuth, AuthStrategy, BearerTokenAuth, NoAuth
from swebench_providers.types.secret import Secret


def strategy(style: str, key: Secret | None, *, proxy: str | None = None, ca_bundle: str | None = None) -> AuthStrategy:
    """The strategy that a catalog file names in `auth`; without a key `NoAuth`, except for `google`.

    `proxy` and `ca_bundle` are for strategies that fetch tokens, as in `Transport`.
    """
    if style == "google" and not key:
        from swebench_providers.auth.google import GoogleAuth  # noqa: PLC0415 - one provider needs it

        return GoogleAuth(proxy=proxy, ca_bundle=ca_bundle)
    if not key or style == "none":
        return NoAuth()
    return BearerTokenAuth(key) if style in {"bearer", "google"} else ApiKeyAuth(key, style)
