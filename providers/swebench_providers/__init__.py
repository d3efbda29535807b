"""An async layer over language model providers, usable alone.

    from swebench_providers import UnifiedRequest, get_registry, run_sync

    provider = get_registry().get_provider("openai")  # the key comes from OPENAI_API_KEY
    answer = run_sync(provider.generate_unified(UnifiedRequest(prompt="Say hello.")))

An answer that was cut off is an error with the text that arrived on it, never an answer; a price that is not known is
None, never 0. What goes wrong is a `ProviderError` whose `kind` decides what to do and whose `hint` says it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from swebench_providers.catalog import CatalogError, ProviderSpec
from swebench_providers.config import ProviderConfig, TimeLimits
from swebench_providers.registry import ProviderRegistry, get_registry
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import (
    Attempt,
    AttemptFailed,
    Event,
    Finished,
    LimitsUpdate,
    Notice,
    ReasoningDelta,
    TextDelta,
    UsageUpdate,
    Waiting,
)
from swebench_providers.types.messages import (
    FailedAttempt,
    FinishReason,
    Message,
    ToolCall,
    UnifiedRequest,
    UnifiedResponse,
)
from swebench_providers.types.models import ModelInfo, ModelPrice
from swebench_providers.types.secret import Secret
from swebench_providers.types.usage import Charge, TokenUsage
from swebench_providers.util.sync import run_sync

if TYPE_CHECKING:
    from swebench_providers.auth.google import GoogleAuth
    from swebench_providers.auth.strategies import ApiKeyAuth, AuthStrategy, BearerTokenAuth, NoAuth
    from swebench_providers.connection_test import ConnectionReport
    from swebench_providers.coordinator.coordinator import ProviderCoordinator
    from swebench_providers.coordinator.in_parallel import BatchResult
    from swebench_providers.coordinator.routes import Candidate
    from swebench_providers.coordinator.shared import SharedState
    from swebench_providers.http.framing import JSONLinesAdapter, ServerSentEvent, SSEAdapter
    from swebench_providers.policies.breaker import (
        BreakerSettings,
        BreakerState,
        BreakerStatistics,
        CircuitBreaker,
        Transition,
    )
    from swebench_providers.policies.budget import Budget, BudgetState, BudgetWarning, Reservation, local_day, utc_day
    from swebench_providers.policies.concurrency import ConcurrencySettings
    from swebench_providers.policies.journal import FileJournal, spent_according_to
    from swebench_providers.policies.keys import DisabledKey
    from swebench_providers.policies.limiter import Headroom, TokenBucketLimiter
    from swebench_providers.policies.observer import Observer, Outcome
    from swebench_providers.policies.rate_limit_coordinator import RateLimitCoordinator
    from swebench_providers.policies.rate_limits import RateLimits
    from swebench_providers.policies.retry import RetrySettings
    from swebench_providers.policies.settings import Policies
    from swebench_providers.policies.statistics import Percentiles, ProviderHealth
    from swebench_providers.protocols import RequestTransformer, ResponseParser, TransformPipeline
    from swebench_providers.provider import HTTPProvider, Provider
    from swebench_providers.tokens.api_counter import APITokenCounter
    from swebench_providers.tokens.blocking_counter import BlockingCounter, blocking_counter
    from swebench_providers.tokens.counter import TokenCount, TokenCounter
    from swebench_providers.tokens.estimate import EstimateCounter
    from swebench_providers.tokens.metadata_counter import MetadataTokenCounter
    from swebench_providers.tokens.tiktoken_counter import TiktokenCounter

# What most programs do not need at once is imported when it is first asked for, by name and module.
_LATER: Final = {
    "ApiKeyAuth": "auth.strategies",
    "AuthStrategy": "auth.strategies",
    "BearerTokenAuth": "auth.strategies",
    "NoAuth": "auth.strategies",
    "GoogleAuth": "auth.google",
    "BatchResult": "coordinator.in_parallel",
    "ConnectionReport": "connection_test",
    "ProviderCoordinator": "coordinator.coordinator",
    "BreakerSettings": "policies.breaker",
    "BreakerState": "policies.breaker",
    "BreakerStatistics": "policies.breaker",
    "CircuitBreaker": "policies.breaker",
    "Transition": "policies.breaker",
    "Budget": "policies.budget",
    "BudgetState": "policies.budget",
    "BudgetWarning": "policies.budget",
    "Reservation": "policies.budget",
    "local_day": "policies.budget",
    "utc_day": "policies.budget",
    "ConcurrencySettings": "policies.concurrency",
    "DisabledKey": "policies.keys",
    "FileJournal": "policies.journal",
    "spent_according_to": "policies.journal",
    "Observer": "policies.observer",
    "Outcome": "policies.observer",
    "Headroom": "policies.limiter",
    "RateLimitCoordinator": "policies.rate_limit_coordinator",
    "RateLimits": "policies.rate_limits",
    "TokenBucketLimiter": "policies.limiter",
    "RetrySettings": "policies.retry",
    "Policies": "policies.settings",
    "Percentiles": "policies.statistics",
    "ProviderHealth": "policies.statistics",
    "Candidate": "coordinator.routes",
    "SharedState": "coordinator.shared",
    "APITokenCounter": "tokens.api_counter",
    "BlockingCounter": "tokens.blocking_counter",
    "blocking_counter": "tokens.blocking_counter",
    "EstimateCounter": "tokens.estimate",
    "MetadataTokenCounter": "tokens.metadata_counter",
    "TiktokenCounter": "tokens.tiktoken_counter",
    "TokenCount": "tokens.counter",
    "TokenCounter": "tokens.counter",
    "HTTPProvider": "provider",
    "Provider": "provider",
    "JSONLinesAdapter": "http.framing",
    "SSEAdapter": "http.framing",
    "ServerSentEvent": "http.framing",
    "RequestTransformer": "protocols",
    "ResponseParser": "protocols",
    "TransformPipeline": "protocols",
}

__all__ = [
    "APITokenCounter",
    "ApiKeyAuth",
    "Attempt",
    "AttemptFailed",
    "AuthStrategy",
    "BatchResult",
    "BearerTokenAuth",
    "BlockingCounter",
    "BreakerSettings",
    "BreakerState",
    "BreakerStatistics",
    "Budget",
    "BudgetState",
    "BudgetWarning",
    "Candidate",
    "CatalogError",
    "Charge",
    "CircuitBreaker",
    "ConcurrencySettings",
    "ConnectionReport",
    "DisabledKey",
    "ErrorKind",
    "EstimateCounter",
    "Event",
    "FailedAttempt",
    "FileJournal",
    "FinishReason",
    "Finished",
    "GoogleAuth",
    "HTTPProvider",
    "Headroom",
    "JSONLinesAdapter",
    "LimitsUpdate",
    "Message",
    "MetadataTokenCounter",
    "ModelInfo",
    "ModelPrice",
    "NoAuth",
    "Notice",
    "Observer",
    "Outcome",
    "Percentiles",
    "Policies",
    "Provider",
    "ProviderConfig",
    "ProviderCoordinator",
    "ProviderError",
    "ProviderHealth",
    "ProviderRegistry",
    "ProviderSpec",
    "RateLimitCoordinator",
    "RateLimits",
    "ReasoningDelta",
    "RequestTransformer",
    "Reservation",
    "ResponseParser",
    "RetrySettings",
    "SSEAdapter",
    "Secret",
    "ServerSentEvent",
    "SharedState",
    "TextDelta",
    "TiktokenCounter",
    "TimeLimits",
    "TokenBucketLimiter",
    "TokenCount",
    "TokenCounter",
    "TokenUsage",
    "ToolCall",
    "TransformPipeline",
    "Transition",
    "UnifiedRequest",
    "UnifiedResponse",
    "UsageUpdate",
    "Waiting",
    "blocking_counter",
    "get_registry",
    "local_day",
    "run_sync",
    "spent_according_to",
    "utc_day",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
