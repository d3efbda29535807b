"""`prices.toml`: the user's own prices, which replace list prices.

    [openai."gpt-6-sol"]    # a provider, and the model's name as it is requested
    input = 1.25            # USD per million tokens
    output = 10
    cached_input = 0.125    # default: the price of `input`, as for `cache_write`

Numbers are exact decimals: 0.1 is a tenth. Anything unknown is an error, since a misspelled name would silently have no
effect.
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
from swebench_tui.settings.atomic_file import read_bytes
from swebench_tui.settings.errors import SettingsError, SetupError

Prices = Mapping[str, Mapping[str, ModelPrice]]
"""By provider, then by model."""

_REQUIRED: Final = ("input", "output")
_KEYS: Final = (*_REQUIRED, "cached_input", "cache_write")
_EXAMPLE: Final = 'Write [openai."gpt-6-sol"], and below it input = 1.25 and output = 10: USD per million tokens.'
_MAX_SHOWN: Final = 60  # characters
_MAX_BYTES: Final = 1024 * 1024


class PricesError(SetupError):
    """Unusable prices. `str(error)` names file, key and value; `hint` is what is allowed."""


def apply(path: Path, registry: ProviderRegistry) -> None:
    """Apply the file's prices to every provider configured from now on. Blocks; raises `PricesError`."""
    document = _document(path)
    registry.use_prices(_prices(path, document, registry.list_providers()) if document else {})


def _prices(path: Path, document: Mapping[str, object], providers: Collection[str]) -> Prices:
    prices = {}
    for provider, models in document.items():
        if provider not in providers:
            raise PricesError(f"{path}: unknown provider {provider!r}", hint=_choice(provider, providers))
        named = _table(path, (provider,), models)
        prices[provider] = {model: _price(path, (provider, model), price) for model, price in named.items()}
    return prices


def _document(path: Path) -> dict[str, object]:
    try:
        data = read_bytes(path, max_bytes=_MAX_BYTES)
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except SettingsError as error:  # not a regular file, or too large
        raise PricesError(str(error), hint=error.hint) from None
    except OSError as error:
        raise PricesError(f"{path} cannot be read: {error.strerror}", hint="Make it readable, or remove it.") from error
    except UnicodeDecodeError as error:
        raise PricesError(f"{path} is not valid UTF-8", hint=_EXAMPLE) from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # invalid TOML, a number out of all bounds
        raise PricesError(f"{path}: {error}", hint=_EXAMPLE) from error


def _price(path: Path, key: tuple[str, ...], value: object) -> ModelPrice:
    values = _table(path, key, value)
    for name, inner in values.items():
        if name not in _KEYS:
            hint = " Quote a name that contains a dot." if isinstance(inner, dict) else ""
            raise PricesError(f"{path}: unknown price {name!r} in {_dotted(key)}", hint=_choice(name, _KEYS) + hint)
    missing = [name for name in _REQUIRED if name not in values]
    if missing:
        raise PricesError(f"{path}: {_dotted(key)} is missing {' and '.join(missing)}", hint=_EXAMPLE)
    amounts = {name: _amount(path, (*key, name), inner) for name, inner in values.items()}
    return ModelPrice(
        input=amounts["input"],
        output=amounts["output"],
        cached_input=amounts.get("cached_input"),
        cache_write=amounts.get("cache_write"),
    )


def _amount(path: Path, key: tuple[str, ...], value: object) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and is_price(Decimal(value)):
        return Decimal(value)
    hint = f"Expected a number from 0 to {MAX_PRICE:,}, in USD per million tokens, without quotes."
    raise PricesError(f"{path}: {_dotted(key)} is {_short(value)}", hint=hint)


def _table(path: Path, key: tuple[str, ...], value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise PricesError(f"{path}: {_dotted(key)} is {_short(value)}, not a table", hint=_EXAMPLE)


def _choice(name: str, allowed: Collection[str]) -> str:
    near = get_close_matches(name, allowed, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(allowed)}."


def _dotted(key: tuple[str, ...]) -> str:
    return ".".join(name if name.replace("-", "_").isidentifier() else f'"{name}"' for name in key)


def _short(value: object) -> str:
    text = "a table" if isinstance(value, dict) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
