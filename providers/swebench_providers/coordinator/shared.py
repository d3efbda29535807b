"""The state that several coordinators share, so that a limit or an outage applies to all of their calls.

    shared = SharedState()
    watched = ProviderCoordinator(candidates, Policies(retry=RetrySettings(attempts=3)), shared=shared)
    batch = ProviderCoordinator(candidates, Policies(max_breaker_wait=3_600.0), budgets=[budget], shared=shared)

By the name of a provider, which stands for one account at one address, it holds: limiters, circuit breakers, disabled
keys, retry budgets, refused parameters, prices, default models and statistics. Each coordinator keeps its own settings,
budgets, observers and candidates.

Where coordinators differ in settings that belong to the shared state:

- rate limits: the strictest of each limit applies, to limiters in use too, in whatever order they are given;
- `RateLimits.shared_as`: the name cannot change once it is set or the provider is in use, which is a `ValueError`;
  a coordinator that sets none uses the name of the others;
- circuit breakers: a breaker keeps the settings of the coordinator that first used the model.

It belongs to one event loop, as do all coordinators that it is given to. It has no locks against other threads: state
changes only between two awaits, and what waits for it is woken in its loop.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Protocol
from weakref import WeakSet

import msgspec

from swebench_providers.coordinator.default_models import DefaultModels
from swebench_providers.coordinator.price_book import PriceBook
from swebench_providers.coordinator.selection import LatencyTracker
from swebench_providers.policies.breaker import BreakerSettings, BreakerStatistics, CircuitBreaker, Transition
from swebench_providers.policies.keys import DisabledKey, KeyHealth
from swebench_providers.policies.limiter import Headroom, TokenBucketLimiter
from swebench_providers.policies.rate_limit_coordinator import RateLimitCoordinator
from swebench_providers.policies.rate_limit_policy import with_server_scope
from swebench_providers.policies.rate_limits import RateLimits, strictest
from swebench_providers.policies.refused_parameters import RefusedParameters
from swebench_providers.policies.retry_budget import RetryBudget
from swebench_providers.policies.statistics import ProviderHealth, StatisticsObserver
from swebench_providers.provider import Provider
from swebench_providers.util.clock import Clock, SystemClock
from swebench_providers.util.lru import WeakLRUCache

_BREAKERS: Final = 1_024  # of a provider, kept when nothing uses them
_LOG: Final = logging.getLogger(__name__)


class TransitionListener(Protocol):
    """A coordinator, as far as breakers report to it."""

    def on_transition(self, transition: Transition) -> None:
        """A breaker of a provider that it uses has changed its state."""
        ...


class SharedState:
    """The state of all providers, made once and given to each `ProviderCoordinator`. `clock` is that of all of them."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.statistics = StatisticsObserver()
        self.latencies = LatencyTracker(clock=self.clock)
        self.default_models = DefaultModels(clock=self.clock)
        self._used: dict[str, Provider] = {}
        self.prices = PriceBook(self._used, clock=self.clock)
        self._limits: dict[str, RateLimits] = {}
        self._limiters = RateLimitCoordinator(lambda name: self._limits.get(name, RateLimits()), clock=self.clock)
        self._providers: dict[str, ProviderState] = {}

    def health(self, providers: Iterable[str] = ()) -> dict[str, ProviderHealth]:
        """The statistics of `providers` and of every provider that has been used, by name."""
        return {
            name: self.statistics.statistics(name).health(self.provider(name).breaker_statistics(), self.headroom(name))
            for name in dict.fromkeys((*providers, *self.statistics.providers))
        }

    def headroom(self, provider: str) -> dict[str, Headroom]:
        """The limiters of a provider, by model and key."""
        return {name: limiter.headroom() for name, limiter in self._limiters.limiters(provider).items()}

    def disabled_keys(self, provider: str) -> dict[str, DisabledKey]:
        """The keys of a provider that are not used, by label, with the reason."""
        return self.provider(provider).keys.disabled_keys()

    def enable_key(self, provider: str, key: str) -> None:
        """Use a disabled key again."""
        self.provider(provider).keys.enable(key)

    def provider(self, name: str) -> ProviderState:
        """The state of one provider, made when it is first needed."""
        found = self._providers.get(name)
        if found is None:
            found = self._providers[name] = ProviderState(name, clock=self.clock)
        return found

    def add_limits(self, limits: Mapping[str, RateLimits]) -> None:
        """Apply a coordinator's rate limits, by provider, beside those that apply already: the strictest win.

        Raises `ValueError`, and applies none, where one has another `shared_as` than the provider has already.
        """
        merged = {name: self._merged(name, given) for name, given in limits.items()}
        self._limits.update(merged)
        for name in merged:
            self._limiters.tighten(name)

    def use(self, provider: Provider) -> RateLimits:
        """Record that a provider is used, under its name, and return its limits.

        Of two with the same name the later one gives the prices: its key or address may be new.
        """
        name = provider.name
        self._used[name] = provider
        limits = self._limits[name] = with_server_scope(self._limits.get(name, RateLimits()), provider)
        return limits

    def used_provider(self, name: str) -> Provider:
        """The provider that is used under the name."""
        return self._used[name]

    def limiter(self, provider: str, *, model: str, key: str) -> TokenBucketLimiter:
        """The limiter of a model and key of a provider that is used."""
        return self._limiters.limiter(provider, model=model, key=key)

    def _merged(self, name: str, given: RateLimits) -> RateLimits:
        present = self._limits.get(name)
        if present is None:
            return given
        fixed = name in self._used or present.shared_as
        if fixed and given.shared_as not in {"", present.shared_as}:
            now = f"shared_as={present.shared_as!r}" if present.shared_as else "no shared_as"
            raise ValueError(f"the limits of {name} have {now}, which cannot become {given.shared_as!r}")
        return strictest(present, given)


class ProviderState:
    """The state of one provider but for its limiters, which other providers may share."""

    def __init__(self, name: str, *, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self.keys = KeyHealth(clock=clock)
        self.retries = RetryBudget()
        self.refused = RefusedParameters()
        self._breakers: WeakLRUCache[str, CircuitBreaker] = WeakLRUCache(_BREAKERS)
        self._listeners: WeakSet[TransitionListener] = WeakSet()  # coordinators come and go

    def add_listener(self, listener: TransitionListener) -> None:
        """Report each transition of a breaker to `listener`, for as long as it exists."""
        self._listeners.add(listener)

    def breaker(self, model: str, settings: BreakerSettings, first_token: float | None) -> CircuitBreaker:
        """The breaker of a model, made with `settings` if it is the first use.

        `first_token` is how many seconds the model's family may take to its first token; None is the usual time.
        """
        return self._breakers.get_or_add(
            model,
            lambda: CircuitBreaker(
                f"{self._name}:{model}",
                _with_first_token(settings, first_token or 0.0),
                clock=self._clock,
                on_transition=self._report,
            ),
        )

    def breaker_statistics(self) -> dict[str, BreakerStatistics]:
        """By model."""
        return {model: breaker.statistics() for model, breaker in self._breakers.items()}

    def _report(self, transition: Transition) -> None:
        for listener in list(self._listeners):
            try:
                listener.on_transition(transition)
            except Exception:  # noqa: BLE001 - the listener is the caller's, and no call may fail for it
                _LOG.exception("a listener of the circuit breaker %s failed", transition.name)


def _with_first_token(settings: BreakerSettings, seconds: float) -> BreakerSettings:
    """Settings in which a first token within `seconds` is not slow, and a probe may be silent as long."""
    return msgspec.structs.replace(
        settings,
        slow_first_token=max(settings.slow_first_token, seconds),
        longest_half_open=max(settings.longest_half_open, seconds),
    )
