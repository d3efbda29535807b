"""Several providers as one: the answer, its price, its failed attempts, and the health of each provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from itertools import count

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    FinishReason,
    ModelPrice,
    ProviderError,
    TextDelta,
    TokenUsage,
    UnifiedRequest,
    UnifiedResponse,
    UsageUpdate,
)
from swebench_providers.coordinator import ProviderCoordinator
from swebench_providers.events import Attempt, AttemptFailed, Finished, Waiting
from swebench_providers.models import Charge
from swebench_providers.policies.breaker import BreakerState
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.rate_limit import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies, SelectionName
from swebench_providers.routes import Candidate
from tests.providers.policies.played import done, error, text
from tests.providers.policies.virtual_time import VirtualClock
from tests.providers.scripted import Scripted, Step

USAGE = TokenUsage(prompt_tokens=1_000, completion_tokens=100)
COST = Decimal("0.02")
ASKED = UnifiedRequest(prompt="Why? " * 700, max_tokens=100)
GONE = error(ErrorKind.TRANSIENT, status=None, reason="unreachable")
CUT = error(ErrorKind.INCOMPLETE, status=None)
QUICK = Policies(retry=RetrySettings(attempts=2, base=0.0, throttled_base=0.0, restart=True))


class Late(msgspec.Struct, frozen=True):
    """Where a script needs the time at which it is played."""


def good(words: str = "whole", usage: TokenUsage = USAGE) -> list[Step]:
    return [text(words), UsageUpdate(usage, 0.0), done()]


async def run[T](clock: VirtualClock, call: Awaitable[T]) -> T:
    task = asyncio.ensure_future(call)
    await clock.run_until(task.done)
    return await task
