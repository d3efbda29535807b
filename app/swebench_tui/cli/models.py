"""`swebench-tui models`: what can be asked, over all providers that are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import click
import msgspec

from swebench_providers import ModelInfo, ProviderError, get_registry
from swebench_tui.cli.failure import failing
from swebench_tui.printable import one_line
from swebench_tui.settings.readiness import readiness

Sort = Literal["name", "context", "price"]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider answered: its models, or why there are none."""

    provider: str
    models: list[ModelInfo]
    free: bool = False
    error: ProviderError | None = None


@click.command("models", epilog="Example: swebench-tui models --provider openrouter --search coder --sort price")
@click.option("--provider", "providers", multiple=True, metavar="P", help="Only this one. May be repeated.")
@click.option("--search", default="", metavar="S", help="Only models whose id or name holds these words.")
@click.option("--sort", type=click.Choice(["price", "context", "name"]), help="The provider's own order without it.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(*, providers: tuple[str, ...], search: str, sort: Sort | None, as_json: bool) -> None:
    """List the models of every provider that is ready, with window, output limit and price where they are known."""
    registry = get_registry()
    asked = providers or [name for name in registry.list_providers() if readiness(registry, name).ready]
    with failing():
        print_models(asked, search=search, sort=sort, as_json=as_json, tolerant=not providers)


def print_models(
    providers: Sequence[str], *, search: str, sort: Sort | None, as_json: bool, tolerant: bool = False
) -> None:
    """Ask, filter, sort, print. A provider that does not answer is an error, or, if `tolerant`, a line beside."""
    answers = asyncio.run(_ask(providers))
    for answer in answers:
        if answer.error is not None:
            if not tolerant:
                raise answer.error
            click.echo(f"{answer.provider}: {one_line(str(answer.error))}", err=True)
    words = search.lower().split()
    found = [
        (answer.provider, _without_charge(model) if answer.free else model)
        for answer in answers
        for model in answer.models
        if all(word in f"{model.id} {model.name}".lower() for word in words)
    ]
    if sort is not None:
        found.sort(key=lambda pair: _rank(pair[1], sort))
    if as_json:
        click.echo(msgspec.json.encode([_row(provider, model) for provider, model in found]))
        return
    for provider, model in found:
        click.echo(
            f"{one_line(f'{provider}:{model.id}'):<48}  {_count(model.context_window):>9} window  "
            f"{_count(model.max_output):>9} out  {_price(model)}".rstrip()
        )


async def _ask(providers: Sequence[str]) -> list[Listed]:
    registry = get_registry()
    try:
        return list(await asyncio.gather(*(_listed(name) for name in providers)))
    finally:
        await registry.aclose()


async def _listed(name: str) -> Listed:
    try:
        provider = get_registry().get_provider(name)
        return Listed(provider=name, models=await provider.list_models(), free=provider.spec.price == "free")
    except ProviderError as error:
        return Listed(provider=name, models=[], error=error)


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
    }


def _without_charge(model: ModelInfo) -> ModelInfo:
    return msgspec.structs.replace(model, price_input=Decimal(0), price_output=Decimal(0))


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _price(model: ModelInfo) -> str:
    if model.price_input is None or model.price_output is None:
        return "price unknown"
    if not model.price_input and not model.price_output:
        return "free"
    return f"${model.price_input:f} in, ${model.price_output:f} out per million"
