"""The bundled price list: what vendors charge for their models, with dates, tiers for long prompts and batch rates.

`price_list.json` holds the facts of `genai-prices` (MIT; its version, date and licence stand in the file), written by
`scripts/make_price_list.py`. Only what a request of this layer can be charged for is kept: tokens of prompt and answer,
cached and cache-written tokens, and requests. How a model is found, and which of its prices applies, is as in
`genai-prices`; a test compares every model with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from swebench_providers.types.models import ModelPrice
from swebench_providers.types.usage import TokenUsage

FILE_NAME: Final = "price_list.json"

_PER: Final = 1_000_000
_REQUESTS_PER: Final = 1_000
_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tests of a name, of which any one, or all, have to pass."""

    any_of: tuple[Rule, ...] = ()
    all_of: tuple[Rule, ...] = ()


Rule = str | Rules
"""A test of a name in lower case: `equals:NAME`, `starts_with:`, `ends_with:`, `contains:` or `regex:`, or several."""


class Tiered(msgspec.Struct, frozen=True):
    """A price that depends on the length of the prompt: for all tokens of one longer than a start, the price there."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]

    def above(self, tokens: int) -> Decimal:
        """The price of a prompt just longer than `tokens`; 0 is the shortest."""
        return next((price for start, price in reversed(self.tiers) if 0 < start <= tokens), self.base)

    def of_prompt(self, tokens: int) -> Decimal:
        """The price for a prompt of `tokens`."""
        return next((price for start, price in reversed(self.tiers) if tokens > start), self.base)


Price = Decimal | Tiered


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """USD per million tokens, and per thousand requests; None if the vendor names no price."""

    input: Price | None = None
    output: Price | None = None
    cached_input: Price | None = None
    cache_write: Price | None = None
    requests: Decimal | None = None

    @property
    def per_token(self) -> bool:
        """Whether prompt and answer are both charged by the token; if not, a cost made of tokens is not the cost."""
        return self.input is not None and self.output is not None

    def model_price(self) -> ModelPrice | None:
        """The rates as a `ModelPrice`, which has no price per request; None if they are not per token."""
        prices = (self.input, self.output, self.cached_input, self.cache_write)
        starts = {start for price in prices if isinstance(price, Tiered) for start, _ in price.tiers}
        return self._tier(sorted(starts)) if self.per_token else None

    def _tier(self, starts: Sequence[int], above: int = 0) -> ModelPrice | None:
        """The prices of prompts just longer than `above`, and in them those of the longer ones, from `starts` on."""
        read, written, cached, stored = (
            price.above(above) if isinstance(price, Tiered) else price
            for price in (self.input, self.output, self.cached_input, self.cache_write)
        )
        if read is None or written is None:
            return None
        return ModelPrice(
            input=read,
            output=written,
            cached_input=cached,
            cache_write=stored,
            long_from=starts[0] if starts else 0,
            long_prompt=self._tier(starts[1:], starts[0]) if starts else None,
        )

    def cost(self, usage: TokenUsage) -> Decimal:
        """The price of `usage` in USD. Raises `ValueError` for impossible counts, such as more cached than read."""
        counts = (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.cache_write_tokens)
        cached = usage.cached_tokens if self.cached_input is not None else 0
        written = usage.cache_write_tokens if self.cache_write is not None else 0
        plain = usage.prompt_tokens - cached - written if self.input is not None else 0
        if plain < 0 or min(counts) < 0:
            raise ValueError("more tokens are cached than the prompt has, or a count is negative")
        parts = (
            (self.input, plain),
            (self.output, usage.completion_tokens),
            (self.cached_input, cached),
            (self.cache_write, written),
        )
        total = Decimal(0) if self.requests is None else self.requests / _REQUESTS_PER
        for price, count in parts:
            if price is not None:
                rate = price.of_prompt(usage.prompt_tokens) if isinstance(price, Tiered) else price
                total += rate * count / _PER
        return total


class Period(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rates, and when they apply: from a day on, or between two times of each day, in UTC; else always."""

    rates: Rates
    start: date | None = None
    daily: tuple[time, time] | None = None

    def applies(self, moment: datetime) -> bool:
        """Whether it does at `moment`, which is in UTC."""
        if self.start is not None:
            return moment.date() >= self.start
        if self.daily is None:
            return True
        begin, end = self.daily
        now = moment.time()
        return begin <= now < end if begin <= end else now >= begin or now < end


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model on the list. Of its `prices` the last that applies holds; `batch` replaces some of them in batch jobs."""

    id: str
    match: Rule
    prices: tuple[Period, ...]
    batch: tuple[Period, ...] = ()

    def rates(self, moment: datetime) -> Rates:
        """The rates at `moment`; the first where none applies."""
        return next((period.rates for period in reversed(self.prices) if period.applies(moment)), self.prices[0].rates)

    def batch_rates(self, moment: datetime) -> Rates:
        """The rates of a batch job at `moment`: those of `batch`, the first that applies, over the usual ones."""
        replaced: dict[str, object] = {}
        for period in self.batch:
            if period.applies(moment):
                for name in period.rates.__struct_fields__:
                    if (price := getattr(period.rates, name)) is not None:
                        replaced.setdefault(name, price)
        return msgspec.structs.replace(self.rates(moment), **replaced)


class ListedProvider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider on the list. `fallback` names providers whose models it serves at their prices."""

    id: str
    match: Rule | None = None
    fallback: tuple[str, ...] = ()
    models: tuple[ListedModel, ...] = ()


class Entry(NamedTuple):
    """A model as it was found. The batch rates of a provider fallen back to do not hold."""

    model: ListedModel
    fallback: bool


class Source(NamedTuple):
    """Where the facts are from, and when they were taken over."""

    package: str
    version: str
    retrieved: date


class _UnreadProvider(msgspec.Struct):
    """A provider whose models are not decoded yet: most programs use one or two."""

    id: str
    match: Rule | None = None
    fallback: tuple[str, ...] = ()
    models: msgspec.Raw = msgspec.Raw(b"[]")


class _File(msgspec.Struct):
    """The part of the file that is read at run time."""

    package: str
    version: str
    retrieved: date
    providers: tuple[_UnreadProvider, ...]


_providers: Final[dict[str, tuple[ListedProvider, ...]]] = {}
"""By the name they were looked up with: a provider, and those it falls back to."""


async def find(provider: str, model: str) -> Entry | None:
    """The entry of a model; None if the list has none. The file is read on a thread, with the first of a provider."""
    chain = _providers.get(provider)
    if chain is None:
        chain = await asyncio.to_thread(_read_provider, provider)
    return find_model(chain, model)


def find_model(chain: tuple[ListedProvider, ...], name: str) -> Entry | None:
    """A model by any of its names; a date written `20251211` is also tried as `2025-12-11`."""
    lower = name.lower()
    found = _match_model(chain, lower)
    if found is None and (dashed := _with_dashed_dates(lower)) != lower:
        found = _match_model(chain, dashed)
    return found


def _match_model(chain: tuple[ListedProvider, ...], name: str) -> Entry | None:
    for number, provider in enumerate(chain):
        for model in provider.models:
            if matches(model.match, name):
                return Entry(model, fallback=number > 0)
    return None


def matches(rule: Rule, name: str) -> bool:
    """Whether a name, in lower case, passes the rule."""
    if isinstance(rule, str):
        kind, _, text = rule.partition(":")
        return _TESTS[kind](name, text)
    if rule.all_of:
        return all(matches(each, name) for each in rule.all_of)
    return any(matches(each, name) for each in rule.any_of)


_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "equals": str.__eq__,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": str.__contains__,
    "regex": lambda name, pattern: re.search(pattern, name) is not None,
}


def _with_dashed_dates(name: str) -> str:
    def dashed(match: re.Match[str]) -> str:
        year, month, day = map(int, match.groups())
        try:
            return f"-{date(year, month, day).isoformat()}"
        except ValueError:
            return match[0]

    return _COMPACT_DATE.sub(dashed, name)


def _read_provider(name: str) -> tuple[ListedProvider, ...]:
    """The provider of that name and those it falls back to; empty if there is none. Blocks."""
    unread = _file().providers
    lower = name.lower().strip()
    found = next((each for each in unread if each.id == lower), None)
    found = found or next((each for each in unread if each.match and matches(each.match, lower)), None)
    if found is None:
        return ()
    served = [each for name in found.fallback for each in unread if each.id == name]
    chain = _providers[name] = tuple(map(_decoded, (found, *served)))
    return chain


def _decoded(unread: _UnreadProvider) -> ListedProvider:
    models = msgspec.json.decode(unread.models, type=tuple[ListedModel, ...])
    return ListedProvider(id=unread.id, match=unread.match, fallback=unread.fallback, models=models)


@cache
def _file() -> _File:
    return msgspec.json.decode(files(__package__).joinpath(FILE_NAME).read_bytes(), type=_File)


def source() -> Source:
    """The package and its version. Blocks with the first use."""
    file = _file()
    return Source(file.package, file.version, file.retrieved)


def now() -> datetime:
    """The moment at which prices are looked up, in UTC without saying so, as in the file."""
    return datetime.now(UTC).replace(tzinfo=None)
