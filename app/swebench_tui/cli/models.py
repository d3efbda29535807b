"""`swebench-tui models`: the models of all configured providers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import click

from swebench_providers import ModelPrice, TimeLimits
from swebench_tui import paths
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import failing
from swebench_tui.services.models import (
    ListedModel,
    ProviderModels,
    SortKey,
    format_price,
    list_models,
    ready_providers,
    sort_models,
)
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.settings import prices_file
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line

_TIME_LIMITS: Final = TimeLimits(connect=5.0, first_token=30.0, idle=30.0)
_NAME_WIDTH: Final = 36  # columns, so that a row fits 80; a longer name makes its own row longer
_EXAMPLES: Final = """\b
Examples:
  swebench-tui models
  swebench-tui models --provider openrouter --search coder --sort price
  swebench-tui models --sort context --json"""


@click.command("models", epilog=_EXAMPLES)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="P",
    shell_complete=provider_names,
    help="List the models of this provider only. May be repeated.",
)
@click.option("--search", default="", metavar="S", help="List only models whose provider, ID or name has these words.")
@click.option(
    "--sort",
    type=click.Choice(["price", "context", "name"]),
    help="Sort by lowest output price, largest context window, or name; unknown values last. Default: the provider's"
    " own order.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(*, providers: tuple[str, ...], search: str, sort: SortKey | None, as_json: bool) -> None:
    """List the models of every configured provider, with context window, output limit and price.

    Prices are in USD per million tokens (input / output); --json has all prices. Local servers that are not running are
    listed on standard error.
    """
    workspace = open_workspace()
    with failing():
        print_models(workspace, providers, search=search, sort=sort, as_json=as_json)


def print_models(
    workspace: Workspace, providers: Sequence[str], *, search: str = "", sort: SortKey | None = None, as_json: bool
) -> None:
    """List, filter, sort and print. Raises the error of a provider named in `providers`; empty means all ready ones,
    whose errors go to standard error.
    """
    prices_file.apply(paths.prices(), workspace.registry)
    lists = asyncio.run(_list(workspace, providers))
    if providers:
        for listed in lists:
            if listed.error is not None:
                raise listed.error
    else:
        _print_errors(lists)
    models = [model for listed in lists for model in listed.models if model.matches(search)]
    if sort is not None:
        models = sort_models(models, sort)
    if as_json:
        click.echo(json_text([_json_row(model) for model in models]))
        return
    for line in _table(models):
        click.echo(line)
    if not models:
        click.echo(f"No model matches {one_line(search)!r}" if search.split() else "No models", err=True)


async def _list(workspace: Workspace, providers: Sequence[str]) -> list[ProviderModels]:
    async with CommandAccess(workspace, time_limits=_TIME_LIMITS) as access:
        names = providers or await asyncio.to_thread(ready_providers, access)
        return await asyncio.gather(*(list_models(access, name) for name in names))


def _print_errors(lists: Sequence[ProviderModels]) -> None:
    for listed in lists:
        if listed.error is not None and not listed.not_running:
            click.echo(f"{listed.provider}: {one_line(str(listed.error))}", err=True)
    if not_running := [listed.provider for listed in lists if listed.not_running]:
        click.echo(f"Not running: {', '.join(not_running)}", err=True)


def _table(models: Sequence[ListedModel]) -> list[str]:
    """A header and one row per model; 80 columns wide unless a name is long."""
    rows = [
        (
            one_line(f"{model.provider}:{model.id}"),
            _count(model.info.context_window),
            _count(model.info.max_output),
            format_price(model.price),
        )
        for model in models
    ]
    width = min(_NAME_WIDTH, max((len(name) for name, *_ in rows), default=0))
    table = [("model", "context", "output", "$ in / out per M"), *rows] if rows else []
    return [f"{name:<{width}}  {context:>9}  {output:>9}  {price}" for name, context, output, price in table]


def _json_row(model: ListedModel) -> dict[str, object]:
    info = model.info
    return {
        "provider": model.provider,
        "id": info.id,
        "name": info.name,
        "context_window": info.context_window,
        "max_output": info.max_output,
        "price_input": _number(info.price_input),
        "price_output": _number(info.price_output),
        "price_cached_input": _number(info.price_cached_input),
        "price_cache_write": _number(info.price_cache_write),
        "price_tiers": [{"above_tokens": tier.above, **_json_prices(tier.price)} for tier in model.tiers],
        "price_source": model.price_source,
        "capabilities": info.capabilities,
    }


def _json_prices(price: ModelPrice) -> dict[str, float | None]:
    return {
        "price_input": _number(price.input),
        "price_output": _number(price.output),
        "price_cached_input": _number(price.cached_input),
        "price_cache_write": _number(price.cache_write),
    }


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"
