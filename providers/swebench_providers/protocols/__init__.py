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
from swebench_providers.protocols.ollama_chat import OLLAMA_CHAT
from swebench_providers.protocols.openai_chat import OPENAI_CHAT

PROTOCOLS: Final = {pipeline.name: pipeline for pipeline in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OLLAMA_CHAT)}

__all__ = ["PROTOCOLS", "Decoder", "RequestTransformer", "ResponseParser", "TransformPipeline", "WireRequest"]
