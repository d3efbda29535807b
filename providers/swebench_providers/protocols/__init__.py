"""Wire formats as code without I/O. A provider's catalog file names the one it speaks."""

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
    known.name: known
    for known in (OPENAI_CHAT, OPENAI_RESPONSES, AZURE_DEPLOYMENTS, ANTHROPIC_MESSAGES, OLLAMA_CHAT, GEMINI)
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
    """The wire format of that name. Raises `ProviderError` (bad_endpoint) where there is none."""
    if name not in PROTOCOLS:
        raise ProviderError(
            ErrorKind.BAD_ENDPOINT,
            f"there is no protocol {name!r}",
            hint=f"There are: {', '.join(sorted(PROTOCOLS))}.",
            reason="unknown_protocol",
        )
    return PROTOCOLS[name]
