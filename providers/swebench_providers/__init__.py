"""An async layer over language model providers, usable alone.

    from swebench_providers import UnifiedRequest, get_registry, run_sync

    provider = get_registry().get_provider("openai")  # the key comes from OPENAI_API_KEY
    answer = run_sync(provider.generate_unified(UnifiedRequest(prompt="Say hello.")))

An answer that was cut off is an error with the text that arrived on it, never an answer; a price that is not known is
None, never 0. What goes wrong is a `ProviderError` whose `kind` decides what to do and whose `hint` says it.
"""

from __future__ import annotations

from swebench_providers.auth import ApiKeyAuth, AuthStrategy, BearerTokenAuth, NoAuth
from swebench_providers.catalog import CatalogError, ProviderSpec
from swebench_providers.config import ProviderConfig, TimeLimits
from swebench_providers.errors import ErrorKind, ProviderError
from swebench_providers.events import Event, Finished, Notice, ReasoningDelta, TextDelta, UsageUpdate
from swebench_providers.framing import JSONLinesAdapter, ServerSentEvent, SSEAdapter
from swebench_providers.models import (
    FinishReason,
    Message,
    ModelInfo,
    ModelPrice,
    TokenUsage,
    ToolCall,
    UnifiedRequest,
    UnifiedResponse,
)
from swebench_providers.protocols import RequestTransformer, ResponseParser, TransformPipeline
from swebench_providers.provider import Provider
from swebench_providers.registry import ProviderRegistry, get_registry
from swebench_providers.secret import Secret
from swebench_providers.sync import run_sync

__all__ = [
    "ApiKeyAuth",
    "AuthStrategy",
    "BearerTokenAuth",
    "CatalogError",
    "ErrorKind",
    "Event",
    "FinishReason",
    "Finished",
    "JSONLinesAdapter",
    "Message",
    "ModelInfo",
    "ModelPrice",
    "NoAuth",
    "Notice",
    "Provider",
    "ProviderConfig",
    "ProviderError",
    "ProviderRegistry",
    "ProviderSpec",
    "ReasoningDelta",
    "RequestTransformer",
    "ResponseParser",
    "SSEAdapter",
    "Secret",
    "ServerSentEvent",
    "TextDelta",
    "TimeLimits",
    "TokenUsage",
    "ToolCall",
    "TransformPipeline",
    "UnifiedRequest",
    "UnifiedResponse",
    "UsageUpdate",
    "get_registry",
    "run_sync",
]
