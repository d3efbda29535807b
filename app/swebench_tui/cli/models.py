"""`swebench-tui models`: what can be asked, over all providers that are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import click
import msgspec

from swebench_providers import ModelInfo, ModelPrice, ProviderConfig, ProviderError, ProviderRegistry, TimeLimits
from swebench_providers.provider import HTTPProvider
from swebench_tui import paths
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import failing
from swebench_tui.settings import prices_file
from swebench_tui.terminal_text import one_line

Sort = Literal["name", "context", "price"]

_PATIENCE: Final = TimeLimits(connect=5.0, first_token=30.0, idle=30.0)
_WIDEST: Final = 36  # columns for a model's name; with a longer one its line is longer than 80
_EXAMPLES: Final = """\b
Examples:
  swebench-tui models
  swebench-tui models --provider openrouter --search coder --sort price
  swebench-tui models --sort context --json"""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider answered: its models, or why there are none. `absent`: a local server nobody has set up."""

    provider: str
    models: list[ModelInfo]
    error: ProviderError | None = None
    absent: bool = False


@click.command("models", epilog=_EXAMPLES)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="P",
    shell_complete=provider_names,
    help="Only this one. May be repeated.",
)
@click.option("--search", default="", metavar="S", help="Only models whose id or name holds these words.")
@click.option(
    "--sort",
    type=click.Choice(["price", "context", "name"]),
    help="Cheapest output, largest window, or alphabet first; unknown last. Without it: the provider's own order.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(*, providers: tuple[str, ...], search: str, sort: Sort | None, as_json: bool) -> None:
    """List the models of every provider that is ready, with window, output limit and price where they are known.

    Prices are USD per million tokens, of input and of output. Local servers that do not run are named beside.
    """
    workspace = open_workspace()
    asked = providers or [
        name for name in workspace.registry.list_providers() if workspace.providers.readiness(name).ready
    ]
    with failing():
        print_models(workspace.registry, asked, search=search, sort=sort, as_json=as_json, tolerant=not providers)


def print_models(
    registry: ProviderRegistry,
    providers: Sequence[str],
    *,
    search: str,
    sort: Sort | None,
    as_json: bool,
    tolerant: bool = False,
) -> None:
    """Ask, filter, sort, print. A provider that does not answer is an error, or, if `tolerant`, a line beside."""
    prices_file.apply(paths.prices(), registry)
    answers = asyncio.run(_ask(registry, providers))
    for answer in answers:
        if answer.error is not None and not tolerant:
            raise answer.error
        if answer.error is not None and not answer.absent:
            click.echo(f"{answer.provider}: {one_line(str(answer.error))}", err=True)
    if absent := [answer.provider for answer in answers if answer.absent]:
        click.echo(f"not running on this machine: {', '.join(absent)}", err=True)
    words = search.lower().split()
    found = [
        (answer.provider, model)
        for answer in answers
        for model in answer.models
        if all(word in f"{model.id} {model.name}".lower() for word in words)
    ]
    if sort is not None:
        found.sort(key=lambda pair: _rank(pair[1], sort))
    if as_json:
        click.echo(msgspec.json.encode([_row(provider, model) for provider, model in found]))
        return
    for line in _table(found):
        click.echo(line)
    if not found:
        click.echo("no such model" if words else "no models", err=True)


def _table(found: Sequence[tuple[str, ModelInfo]]) -> list[str]:
    """A line for each model below one that says what stands where; 80 columns where names allow."""
    rows = [
        (one_line(f"{provider}:{model.id}"), _count(model.context_window), _count(model.max_output), _price(model))
        for provider, model in found
    ]
    width = min(_WIDEST, max((len(name) for name, *_ in rows), default=0))
    titled = [("model", "window", "output", "$ in / out per M"), *rows] if rows else []
    return [f"{name:<{width}}  {window:>9}  {output:>9}  {price}" for name, window, output, price in titled]


async def _ask(registry: ProviderRegistry, providers: Sequence[str]) -> list[Listed]:
    try:
        return list(await asyncio.gather(*(_listed(registry, name) for name in providers)))
    finally:
        await registry.aclose()


async def _listed(registry: ProviderRegistry, name: str) -> Listed:
    config = ProviderConfig(name=name)
    try:
        configured = await asyncio.to_thread(registry.configure, name)  # may ask a keyring
        config = msgspec.structs.replace(configured, time_limits=_PATIENCE)
        provider = registry.get_provider(name, config)
        models = await provider.list_models()
        if isinstance(provider, HTTPProvider):
            models = await provider.describe(models)
        prices = await asyncio.gather(*(provider.price_of(model.id) for model in models))
        return Listed(provider=name, models=[_priced(*pair) for pair in zip(models, prices, strict=True)])
    except ProviderError as error:
        absent = error.reason == "unreachable" and config.base_url_source == "catalog" and registry.spec(name).local
        return Listed(provider=name, models=[], error=error, absent=absent)


def _rank(model: ModelInfo, sort: Sort) -> tuple[bool, Decimal | int | str]:
    """Cheapest, largest window, or first in the alphabet; what is unknown goes to the end."""
    if sort == "name":
        return False, model.id.lower()
    if sort == "context":
        return model.context_window is None, -(model.context_window or 0)
    return model.price_output is None, model.price_output or Decimal(0)


def _row(provider: str, model: ModelInfo) -> dict[str, object]:
    return {
        "provider": provider,
        "id": model.id,
        "name": model.name,
        "context_window": model.context_window,
        "max_output": model.max_output,
        "price_input": None if model.price_input is None else float(model.price_input),
        "price_output": None if model.price_output is None else float(model.price_output),
        "price_cached_input": None if model.price_cached_input is None else float(model.price_cached_input),
        "price_cache_write": None if model.price_cache_write is None else float(model.price_cache_write),
        "capabilities": model.capabilities,
    }


def _priced(model: ModelInfo, price: ModelPrice | None) -> ModelInfo:
    """The model with what it costs this user, which need not be what the list says."""
    if price is None:
        return model
    return msgspec.structs.replace(
        model,
        price_input=price.input,
        price_output=price.output,
        price_cached_input=price.cached_input,
        price_cache_write=price.cache_write,
    )


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _price(model: ModelInfo) -> str:
    if model.price_input is None or model.price_output is None:
        return "unknown"
    if not model.price_input and not model.price_output:
        return "free"
    return f"{_dollars(model.price_input)} / {_dollars(model.price_output)}"


def _dollars(price: Decimal) -> str:
    """All digits that say something."""
    return f"${price.normalize():f}"
