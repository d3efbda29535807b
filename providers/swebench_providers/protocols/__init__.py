"""Wire formats, as code without I/O. The catalog file of a provider names its wire format."""

from __future__ import annotations

from typing import Final

from swebench_providers.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from swebench_providers.protocols.base import (
    Decoder,
    RequestTransformer,
    ResponseParser,
    TransformPipeline,
    WireRequest,
)
from swebench_providers.protocols.gemini import GEMINI
from swebench_providers.protocols.ollama_chat import OLLAMA_CHAT
from swebench_providers.protocols.openai_chat import AZURE_DEPLOYMENTS, OPENAI_CHAT
from swebench_providers.protocols.openai_responses import OPENAI_RESPONSES
from swebench_providers.types.errors import ErrorKind, ProviderError

PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (OPENAI_CHAT, OPENAI_RESPONSES, AZURE_DEPLOYMENTS, ANTHROPIC_MESSAGES, OLLAMA_CHAT, GEMINI)
}

__all__ = [
    "PROTOCOLS",
    "Decoder",
    "RequestTransformer",
    "ResponseParser",
    "TransformPipeline",
    "WireRequest",
    "pipeline",
]


def pipeline(name: str) -> TransformPipeline:
    """The wire format called `name`. Raises `ProviderError` (bad_endpoint) if there is none."""
    if name not in PROTOCOLS:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"unknown protocol {name!r}",
            hint=f"Choose one of: {', '.join(sorted(PROTOCOLS))}.",
            reason="unknown_protocol",
        )
    return PROTOCOLS[name]
