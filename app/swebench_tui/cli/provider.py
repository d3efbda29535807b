"""`swebench-tui provider`: which providers there are, and how they are reached."""

from __future__ import annotations

import click
import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, ProviderSpec, get_registry
from swebench_providers.embedded.process import missing
from swebench_tui.printable import one_line


@click.group("provider", epilog="Example: swebench-tui provider list --json")
def command() -> None:
    """Providers: which there are, and how they are reached."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. None is unknown, or does not apply."""

    name: str
    title: str
    configured: bool
    key_source: str | None
    base_url: str | None
    models_known: int | None
    breaker: str | None
    hint: str


@command.command("list", epilog="Example: swebench-tui provider list --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_(*, as_json: bool) -> None:
    """Print every provider, and whether it is ready. Sends nothing."""
    registry = get_registry()
    rows = [_row(registry, name) for name in registry.list_providers()]
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        state = "ready" if row.configured else "not ready"
        where = row.base_url or ("on this machine" if row.name == "embedded" else "no address")
        click.echo(f"{row.name:<{width}}  {state:<9}  {where:<34}  {row.hint or row.key_source or ''}".rstrip())


def _row(registry: ProviderRegistry, name: str) -> Row:
    spec = registry.spec(name)
    try:
        config = registry.configure(name)
    except ProviderError as error:  # an address in the environment that is none
        config, hint = ProviderConfig(name=name), one_line(str(error))
    else:
        hint = _hint(spec, config)
    return Row(
        name=name,
        title=spec.title,
        configured=not hint,
        key_source=config.key_source,
        base_url=config.base_url,
        models_known=1 if spec.embedded else None,
        breaker=None,
        hint=hint,
    )


def _hint(spec: ProviderSpec, config: ProviderConfig) -> str:
    """What has to be done before this provider can be asked; "" when nothing has."""
    if spec.embedded:
        return "" if missing() is None else "run: swebench-tui embedded install"
    if config.base_url is None:
        return f"set {' or '.join(spec.base_url_env)}"
    if not spec.local and config.api_key is None:
        return f"set {' or '.join(spec.env)}"
    return ""
