"""What one call has been through, as far as money is concerned."""

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
"""Where one of these comes before any of the answer, nothing was read or written."""


class CallLedger:
    """The attempt that is under way, and the reservations of its call.

    `sent` is False until the attempt can have gone out, `seen` the number of characters that have arrived of it, and
    `told` the charge that another `BudgetPolicy` further inside has reckoned for it and made known.
    """

    def __init__(self, on_charge: Callable[[Charge], None] | None = None) -> None:
        self._on_charge = on_charge
        self.held: list[Reservation] = []
        self.attempt: Attempt | None = None
        self.sent = False
        self.usage: TokenUsage | None = None
        self.seen = 0
        self.told: Charge | None = None
        self._price: ModelPrice | None = None
        self._request: UnifiedRequest | None = None

    def begin(self, attempt: Attempt, price: ModelPrice | None, request: UnifiedRequest) -> None:
        self.attempt, self._price, self._request = attempt, price, request
        self.sent, self.usage, self.seen, self.told = False, None, 0, None

    def hold_now(self, budget: Budget, worst: Decimal) -> bool:
        """Reserve where it fits now."""
        held = budget.reserve_now(worst)
        if held is None:
            return False
        self.held.append(held)
        return True

    def passed_on(self, event: Event) -> None:
        """Whoever listens has seen the event, and wants more."""
        if isinstance(event, Attempt):
            self.sent = True
        elif isinstance(event, AttemptFailed):
            for reservation in self.held:
                reservation.again()

    def charge(self, amount: Decimal | None, *, exact: bool, at: float) -> Charge:
        """Count the attempt that is under way, and end it."""
        attempt, self.attempt = self.attempt, None
        for reservation in self.held:
            reservation.add(amount)
        provider, model = (attempt.provider, attempt.model) if attempt else ("", "")
        charge = Charge(amount=amount, exact=exact, provider=provider, model=model, at=at)
        if self._on_charge is not None:
            self._on_charge(charge)
        return charge

    def charge_estimate(self, at: float) -> Charge:
        """Count it with what was sent and what has arrived, as the provider did not say all."""
        usage = self.usage
        if usage is not None and usage.reported_cost is not None and is_cost(usage.reported_cost):
            return self.charge(usage.reported_cost, exact=True, at=at)
        amount = self._estimated(usage)
        if amount is not None and not is_cost(amount):  # of counts that cannot be
            amount = self._estimated(None)
        return self.charge(amount, exact=amount is not None and self._is_free, at=at)

    def failed(self, error: ProviderError, at: float) -> Charge | None:
        """Count an attempt that failed; once, however many hear of it. None where its charge is known outside."""
        told, self.told = self.told, None
        if error.charge is None and told is not None:  # an answer that was refused after it had been paid for
            error.charge = told
        if error.charge is None:
            error.charge = self._charge_failure(error, at)
        elif self.attempt is not None:  # reckoned further inside
            self.charge(error.charge.amount, exact=error.charge.exact, at=at)
        return None if error.charge is told else error.charge

    def settle(self) -> list[str]:
        """The call has ended. What its user should know of what could not be written down."""
        return [told for reservation in self.held if (told := reservation.settle()) is not None]

    def close(self, at: float) -> None:
        """The call has ended, if it had not before; an attempt still under way was cancelled."""
        try:
            if self.attempt is not None and self.sent:
                self.charge_estimate(at)
        finally:
            self.settle()

    def _charge_failure(self, error: ProviderError, at: float) -> Charge:
        self.usage = error.usage or self.usage
        self.seen = max(self.seen, len(error.partial_text) + len(error.partial_reasoning))
        if self.attempt is None or not self.sent or self._cost_nothing(error):
            return self.charge(_NOTHING, exact=True, at=at)
        return self.charge_estimate(at)

    def _cost_nothing(self, error: ProviderError) -> bool:
        """Whether the server did no work for it: no connection, or a refusal instead of an answer."""
        if error.reason in _NEVER_SENT:
            return True
        refused = error.status is not None or error.kind in _REFUSALS
        return refused and not self.seen and self.usage is None

    @property
    def _is_free(self) -> bool:
        return self._price is not None and not (self._price.input or self._price.output)

    def _estimated(self, usage: TokenUsage | None) -> Decimal | None:
        if self._price is None or self._request is None:
            return None
        said = usage or TokenUsage()
        cached, written = max(0, said.cached_tokens), max(0, said.cache_write_tokens)
        prompt = said.prompt_tokens if said.prompt_tokens > 0 else estimate(self._request)
        return self._price.cost(
            TokenUsage(
                prompt_tokens=max(prompt, cached + written),  # some servers leave out of it what was cached
                completion_tokens=max(said.completion_tokens, estimate_length(self.seen)),
                cached_tokens=cached,
                cache_write_tokens=written,
                source="estimated",
            )
        )
