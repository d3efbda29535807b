"""The accounts of one call: its reservations, and the cost of each of its attempts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from swebench_providers.policies.budget import Budget, Reservation
from swebench_providers.tokens.quick_estimate import estimate, estimate_length
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.events import Attempt, AttemptFailed, Event
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import Charge, TokenUsage, is_cost

_NOTHING: Final = Decimal(0)
_NEVER_SENT: Final = frozenset({"unreachable", "connect", "circuit_open", "tls"})
_REFUSALS: Final = frozenset(
    {
        ErrorKind.AUTH,
        ErrorKind.QUOTA_EXHAUSTED,
        ErrorKind.RATE_LIMITED,
        ErrorKind.OVERLOADED,
        ErrorKind.CONTEXT_OVERFLOW,
        ErrorKind.INVALID_REQUEST,
        ErrorKind.MODEL_NOT_FOUND,
        ErrorKind.BAD_ENDPOINT,
    }
)
"""Before any part of the answer, one of these means that nothing was read or written."""


class CallLedger:
    """The attempt in progress, and the reservations of its call.

    `sent` is False until the attempt can have gone out, `characters` the length of what has arrived of it, and
    `inner_charge` the charge that a `BudgetPolicy` further inside has counted for it.
    """

    __slots__ = (
        "_on_charge",
        "_price",
        "_request",
        "attempt",
        "characters",
        "held",
        "inner_charge",
        "sent",
        "usage",
    )

    def __init__(self, on_charge: Callable[[Charge], None] | None = None) -> None:
        self._on_charge = on_charge
        self.held: list[Reservation] = []
        self.attempt: Attempt | None = None
        self.sent = False
        self.usage: TokenUsage | None = None
        self.characters = 0
        self.inner_charge: Charge | None = None
        self._price: ModelPrice | None = None
        self._request: UnifiedRequest | None = None

    def begin(self, attempt: Attempt, price: ModelPrice | None, request: UnifiedRequest) -> None:
        self.attempt, self._price, self._request = attempt, price, request
        self.sent, self.usage, self.characters, self.inner_charge = False, None, 0, None

    def hold_now(self, budget: Budget, worst: Decimal) -> bool:
        """Reserve if it fits now."""
        held = budget.reserve_now(worst)
        if held is None:
            return False
        self.held.append(held)
        return True

    def event_consumed(self, event: Event) -> None:
        """The reader has seen the event and wants more. Raises `ProviderError` as `Reservation.again` does."""
        if type(event) is Attempt:
            self.sent = True
        elif type(event) is AttemptFailed:
            for reservation in self.held:
                reservation.again()

    def charge(self, amount: Decimal | None, *, exact: bool, time: float) -> Charge:
        """Count the attempt in progress at this amount, and end it."""
        attempt, self.attempt = self.attempt, None
        for reservation in self.held:
            reservation.add(amount)
        provider, model = (attempt.provider, attempt.model) if attempt else ("", "")
        charge = Charge(amount=amount, exact=exact, provider=provider, model=model, time=time)
        if self._on_charge is not None:
            self._on_charge(charge)
        return charge

    def charge_estimate(self, time: float) -> Charge:
        """Count it by what was sent and what has arrived, as the provider has not reported all."""
        usage = self.usage
        if usage is not None and usage.reported_cost is not None and is_cost(usage.reported_cost):
            return self.charge(usage.reported_cost, exact=True, time=time)
        amount = self._estimate(usage)
        if amount is not None and not is_cost(amount):  # from impossible counts
            amount = self._estimate(None)
        return self.charge(amount, exact=amount is not None and self._is_free, time=time)

    def failed(self, error: ProviderError, time: float) -> Charge | None:
        """Count a failed attempt, once however many layers see it. None if its charge is known outside."""
        inner, self.inner_charge = self.inner_charge, None
        if error.charge is None and inner is not None:  # an answer that was rejected after it had been paid for
            error.charge = inner
        if error.charge is None:
            error.charge = self._charge_failure(error, time)
        elif self.attempt is not None:  # counted further inside
            self.charge(error.charge.amount, exact=error.charge.exact, time=time)
        return None if error.charge is inner else error.charge

    def settle(self) -> list[str]:
        """The call has ended. Returns messages for the user about what could not be journaled."""
        return [message for reservation in self.held if (message := reservation.settle()) is not None]

    def close(self, time: float) -> None:
        """The call has ended, if it had not before; an attempt still in progress was cancelled."""
        try:
            if self.attempt is not None and self.sent:
                self.charge_estimate(time)
        finally:
            self.settle()

    def _charge_failure(self, error: ProviderError, time: float) -> Charge:
        self.usage = error.usage or self.usage
        self.characters = max(self.characters, len(error.partial_text) + len(error.partial_reasoning))
        if self.attempt is None or not self.sent or self._cost_nothing(error):
            return self.charge(_NOTHING, exact=True, time=time)
        return self.charge_estimate(time)

    def _cost_nothing(self, error: ProviderError) -> bool:
        """Whether the server did no work for it: no connection, or a refusal instead of an answer."""
        if error.reason in _NEVER_SENT:
            return True
        refused = error.status is not None or error.kind in _REFUSALS
        return refused and not self.characters and self.usage is None

    @property
    def _is_free(self) -> bool:
        return self._price is not None and not (self._price.input or self._price.output)

    def _estimate(self, usage: TokenUsage | None) -> Decimal | None:
        if self._price is None or self._request is None:
            return None
        counted = usage or TokenUsage()
        cached, written = max(0, counted.cached_tokens), max(0, counted.cache_write_tokens)
        prompt = counted.prompt_tokens if counted.prompt_tokens > 0 else estimate(self._request)
        return self._price.cost(
            TokenUsage(
                prompt_tokens=max(prompt, cached + written),  # some servers exclude cached tokens
                completion_tokens=max(counted.completion_tokens, estimate_length(self.characters)),
                cached_tokens=cached,
                cache_write_tokens=written,
                source="estimated",
            )
        )
