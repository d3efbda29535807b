"""The TLS trust store: the system's, or a CA bundle of the user's."""

from __future__ import annotations

import ssl

import truststore

from swebench_providers.types.errors import ErrorKind, ProviderError


def trust(ca_bundle: str | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities, or those of a PEM file. Takes tens of milliseconds.

    Raises `ProviderError` (bad_endpoint) for a file that cannot be read.
    """
    if ca_bundle is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError as error:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"the CA bundle {ca_bundle} cannot be read: {error.strerror or error}",
            hint="Name a file with certificates in PEM form.",
            reason="tls",
        ) from None
