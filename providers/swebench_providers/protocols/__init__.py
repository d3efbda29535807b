"""Wire formats, as code without I/O. The catalog file of a provider names its wire format."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

from swebench_providers.protocols.base import (
    Decoder,
    RequestTransformer,
    ResponseParser,
    TransformPipeline,
    WireRequest,
)
from swebench_providers.types.errors import ErrorKind, ProviderError

_MODULES: Final = {
    "openai_chat": "openai_chat",
    "openai_responses": "openai_responses",
    "azure_deployments": "openai_chat",
    "anthropic_messages": "anthropic_messages",
    "ollama_chat": "ollama_chat",
    "gemini": "gemini",
}
"""The module of each wire format; its name in capitals is the `TransformPipeline` there. A program imports only those
that it uses: all of them take 7 ms and 0.5 MB."""

PROTOCOLS: Final = tuple(_MODULES)
"""The names of all wire formats."""

__all__ = [
    "PROTOCOLS",
    "Decoder",
    "RequestTransformer",
    "ResponseParser",
    "TransformPipeline",
    "WireRequest",
    "pipeline",
]


@cache
def pipeline(name: str) -> TransformPipeline:
    """The wire format called `name`. Raises `ProviderError` (bad_endpoint) if there is none."""
    if name not in _MODULES:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"unknown protocol {name!r}",
            hint=f"Choose one of: {', '.join(sorted(PROTOCOLS))}.",
            reason="unknown_protocol",
        )
    protocol: TransformPipeline = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name.upper())
    return protocol
