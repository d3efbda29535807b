"""`prices.toml`: what the user pays where that is not as the lists say.

    [openai."gpt-6-sol"]    # a provider, and the model's name as it is asked for
    input = 1.25            # USD per million tokens
    output = 10
    cached_input = 0.125    # left out, it is as `input`, and so is `cache_write`

Numbers are taken as they are written: 0.1 is a tenth. A misspelled name would leave a price without effect in silence,
so whatever is not understood is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from swebench_providers import ModelPrice, ProviderRegistry
from swebench_providers.types.models import MAX_PRICE, is_price

Prices = Mapping[str, Mapping[str, ModelPrice]]
"""By provider, then by model."""

_NEEDED: Final = ("input", "output")
_KEYS: Final = (*_NEEDED, "cached_input", "cache_write")
_EXAMPLE: Final = 'Write [openai."gpt-6-sol"], and below it input = 1.25 and output = 10: USD per million tokens.'
_LONGEST: Final = 60


class PricesError(Exception):
    """Prices that cannot be used. `str(error)` names file, key and what was found, `hint` what may stand there."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def apply(path: Path, registry: ProviderRegistry) -> None:
    """Let the prices in the file hold for every provider configured from now on. Blocks; raises `PricesError`."""
    document = _document(path)
    registry.use_prices(_prices(path, document, registry.list_providers()) if document else {})


def _prices(path: Path, document: Mapping[str, object], providers: Collection[str]) -> Prices:
    prices = {}
    for provider, models in document.items():
        if provider not in providers:
            raise PricesError(f"{path}: unknown provider {provider!r}", hint=_choice(provider, providers))
        named = _table(path, (provider,), models)
        prices[provider] = {model: _price(path, (provider, model), found) for model, found in named.items()}
    return prices


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PricesError(f"{path} cannot be read: {error.strerror}", hint="Make it readable, or remove it.") from error
    except UnicodeDecodeError as error:
        raise PricesError(f"{path} is not text in UTF-8", hint=_EXAMPLE) from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # no TOML, a number beyond all bounds
        raise PricesError(f"{path}: {error}", hint=_EXAMPLE) from error


def _price(path: Path, where: tuple[str, ...], found: object) -> ModelPrice:
    values = _table(path, where, found)
    for key, value in values.items():
        if key not in _KEYS:
            nested = " A name with a dot in it has to be quoted." if isinstance(value, dict) else ""
            what = f"{path}: {_key(where)} has {key!r}, which is no price"
            raise PricesError(what, hint=_choice(key, _KEYS) + nested)
    missing = [key for key in _NEEDED if key not in values]
    if missing:
        raise PricesError(f"{path}: {_key(where)} has no {' and no '.join(missing)}", hint=_EXAMPLE)
    amounts = {key: _amount(path, (*where, key), value) for key, value in values.items()}
    return ModelPrice(
        input=amounts["input"],
        output=amounts["output"],
        cached_input=amounts.get("cached_input"),
        cache_write=amounts.get("cache_write"),
    )


def _amount(path: Path, where: tuple[str, ...], found: object) -> Decimal:
    if isinstance(found, int | Decimal) and not isinstance(found, bool) and is_price(Decimal(found)):
        return Decimal(found)
    hint = f"It is a number from 0 to {MAX_PRICE:,}, in USD per million tokens, without quotes."
    raise PricesError(f"{path}: {_key(where)} is {_shown(found)}", hint=hint)


def _table(path: Path, where: tuple[str, ...], found: object) -> dict[str, object]:
    if isinstance(found, dict):
        return found
    raise PricesError(f"{path}: {_key(where)} is {_shown(found)}, not a table", hint=_EXAMPLE)


def _choice(name: str, allowed: Collection[str]) -> str:
    near = get_close_matches(name, allowed, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(allowed)}."


def _key(where: tuple[str, ...]) -> str:
    return ".".join(name if name.replace("-", "_").isidentifier() else f'"{name}"' for name in where)


def _shown(found: object) -> str:
    text = "a table" if isinstance(found, dict) else repr(found) if isinstance(found, str) else str(found)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
