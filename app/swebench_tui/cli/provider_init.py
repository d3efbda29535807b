"""`swebench-tui provider init` and `remove`: setting a provider up, and forgetting it. A key is never an argument."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderSpec, Secret
from swebench_providers.config import from_environment, normalise
from swebench_providers.connection_test import ConnectionReport, check
from swebench_providers.redaction import looks_like_a_key
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.key_input import KeyInput, ask_key, checked_key, key_of_stdin, refuse_keys, somebody_there
from swebench_tui.settings.definitions import KeyStorage, StoredKey
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line

_FLAGS: Final = "--api-key-stdin, --from-env, --base-url URL or --model ID"
_INIT_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider init openai
  pass show openai | swebench-tui provider init openai --api-key-stdin --label work
  swebench-tui provider init mybox --like compatible --base-url http://gpubox:8000"""
_REMOVE_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider remove openai --label work
  swebench-tui provider remove mybox --yes"""


class _Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    base_url: str | None
    model: str | None
    stdin: bool
    from_env: bool
    label: str | None
    place: KeyStorage | None
    like: str | None
    yes: bool

    @property
    def any(self) -> bool:
        """Whether there is anything to do without asking."""
        return bool(self.base_url or self.model or self.stdin or self.from_env)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was set up. `key` None: none was kept. `test` None: it was not asked."""

    provider: str
    base_url: str | None
    model: str | None
    key: StoredKey | None
    test: ConnectionReport | None


class _Init(click.Command):
    """Whatever looks like a key among the arguments is refused without being shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_keys(ctx, args)
        return super().parse_args(ctx, args)


@click.command("init", cls=_Init, short_help="Set a provider up: key, address, model.", epilog=_INIT_EXAMPLES)
@click.argument("name", shell_complete=provider_names)
@click.option("--api-key-stdin", "stdin", is_flag=True, help="Read the key from standard input.")
@click.option("--from-env", is_flag=True, help="Keep the key that is in the provider's environment variable.")
@click.option("--base-url", metavar="URL", help="Where the provider is reached.")
@click.option("--model", metavar="ID", help="The model used where none is named.")
@click.option("--label", metavar="L", help="Your name for the key, of which a provider may have several.")
@click.option(
    "--keep-in",
    "place",
    type=click.Choice(["keyring", "file"]),
    help="Where the key is kept. `file` is plain text that only you may read, and asks unless --yes is given.",
)
@click.option(
    "--like",
    metavar="P",
    shell_complete=provider_names,
    help="NAME is a new provider, which speaks as P does, such as compatible.",
)
@click.option("--no-test", is_flag=True, help="Do not ask the provider for a few tokens at the end.")
@click.option("--yes", is_flag=True, help="Ask nothing, and keep a key that looks wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(
    *,
    name: str,
    stdin: bool,
    from_env: bool,
    base_url: str | None,
    model: str | None,
    label: str | None,
    place: KeyStorage | None,
    like: str | None,
    no_test: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Set provider NAME up, and say whether it answers. On a terminal it asks for what is missing.

    The key goes into the system keyring, and is sent only to the address the provider has now. It is never an argument:
    those show in the list of processes and in the shell's history. Exit status 1 when the provider does not answer;
    what was entered is kept all the same.
    """
    wishes = _Wishes(
        base_url=base_url, model=model, stdin=stdin, from_env=from_env, label=label, place=place, like=like, yes=yes
    )
    if stdin and from_env:
        raise click.UsageError("Give one of --api-key-stdin and --from-env.")
    asks = somebody_there() and not yes and not as_json
    if not asks and not wishes.any:
        raise click.UsageError(f"Nobody can be asked here: give {_FLAGS}.")
    with failing():
        workspace = open_workspace()
        spec = _spec(workspace, name, wishes)
        _set_up(workspace, name, spec, wishes, asks=asks)
        kept = _keep(workspace, name, spec, wishes, asks=asks)
        if not as_json:
            _tell(workspace, name, kept)
        report = None if no_test else _test(workspace, name, kept)
    outline = workspace.providers.describe_config(name)
    if as_json:
        done = Done(provider=name, base_url=outline.base_url, model=outline.model, key=kept, test=report)
        click.echo(json_text(done))
    if report is None:
        return
    if not report.ok:
        if as_json:
            click.get_current_context().exit(1)
        verdict = report.verdict.replace("_", " ")
        raise Failed(f"{name} is set up and does not answer: {verdict}: {report.message}", report.hint)
    if not as_json:
        click.echo(f"{name}: {one_line(report.model)} answered")


def _spec(workspace: Workspace, name: str, wishes: _Wishes) -> ProviderSpec:
    """The provider's, which is made first where it is a new one."""
    if wishes.like is not None:
        if not wishes.base_url:
            raise click.UsageError("--like makes a new provider, which needs its --base-url URL.")
        address = normalise(wishes.base_url, workspace.registry.spec(wishes.like))
        workspace.providers.add(name, like=wishes.like, base_url=address)
    return workspace.registry.spec(name)


def _set_up(workspace: Workspace, name: str, spec: ProviderSpec, wishes: _Wishes, *, asks: bool) -> None:
    """Address and model, which the key is bound to and the test asks."""
    address = wishes.base_url
    if address is None and asks and workspace.providers.describe_config(name).base_url is None and not spec.embedded:
        address = click.prompt("Where is it reached (http://HOST:PORT or https://HOST/PATH)", err=True)
    if address and wishes.like is None:
        workspace.change(("providers", name, "base_url"), normalise(address, spec))
    if wishes.model:
        workspace.change(("providers", name, "model"), wishes.model)


def _keep(workspace: Workspace, name: str, spec: ProviderSpec, wishes: _Wishes, *, asks: bool) -> StoredKey | None:
    given = wishes.stdin or wishes.from_env
    if not given and (not asks or spec.embedded or (spec.local and wishes.any)):
        return None
    source = KeyInput(provider=name, asks=asks, certain=wishes.yes, optional=spec.local and not given)
    if wishes.from_env:
        key: Secret | None = checked_key(source, _from_environment(workspace, name, spec))
    elif wishes.stdin and not somebody_there():
        key = checked_key(source, key_of_stdin())
    else:
        key = ask_key(source)
    if key is None:
        return None
    label = wishes.label or _label(workspace.keys.entries(name), asks=asks)
    return _kept(workspace, name, key, label, wishes, asks=asks)


def _from_environment(workspace: Workspace, name: str, spec: ProviderSpec) -> Secret:
    environ = workspace.environ
    key = from_environment(name, spec, environ, base_url=workspace.providers.describe_config(name).base_url).api_key
    if key is None:
        variables = " or ".join((*spec.token_env, *spec.env)) or "no variable"
        raise Failed(
            f"the environment gives no key of {name} for the address it has",
            f"Its key stands in {variables}, and is for the provider's own address.",
        )
    return key


def _label(there: Sequence[StoredKey], *, asks: bool) -> str:
    """Asked for only where there is a key already, which would be replaced."""
    if not there or not asks:
        return "default"
    click.echo(f"There are keys already: {', '.join(kept.label for kept in there)}", err=True)
    return str(click.prompt("A name for this one (the same name replaces)", default="default", err=True))


def _kept(workspace: Workspace, name: str, key: Secret, label: str, wishes: _Wishes, *, asks: bool) -> StoredKey:
    place = wishes.place
    if place == "file" and workspace.settings.secrets.keep_in != "file" and not wishes.yes:
        place = _consent("", asks=asks)
    if place is None and workspace.settings.secrets.keep_in is None and asks:
        place = _chosen(workspace)
    try:
        return workspace.keys.add(name, key, label=label, storage=place)
    except KeyStoreError as error:
        if not asks or place == "file":
            raise
        why = str(error)
    return workspace.keys.add(name, key, label=label, storage=_consent(why, asks=asks))


def _chosen(workspace: Workspace) -> KeyStorage:
    backend = workspace.keys.keyring_status()
    if not backend.usable:
        return _consent(f"The keyring cannot be used: {backend.problem}.", asks=True)
    click.echo(f"The system keyring here is {one_line(backend.name)}.", err=True)
    asked = click.prompt("Keep the key in", type=click.Choice(["keyring", "file"]), default="keyring", err=True)
    return "keyring" if asked == "keyring" else _consent("", asks=True)


def _consent(why: str, *, asks: bool) -> KeyStorage:
    """Plain text needs a yes. Without one the key is kept nowhere, and the other ways are told."""
    if why:
        click.echo(one_line(why), err=True)
    question = "Keep it in a file, as plain text that only you may read?"
    if asks and click.confirm(question, default=False, err=True):
        return "file"
    raise Failed(
        "the key was kept nowhere",
        "Set its environment variable, or `key_command` in settings.toml, or say yes to a file: --keep-in file --yes.",
    )


def _tell(workspace: Workspace, name: str, kept: StoredKey | None) -> None:
    outline = workspace.providers.describe_config(name)
    click.echo(
        f"{name}: {outline.base_url or 'on this machine'}" + (f", model {outline.model}" if outline.model else "")
    )
    if kept is None:
        return
    click.echo(f"{name}: the key {kept.label!r} is in the {kept.storage}, and goes to {kept.host} only")
    source = outline.key_source or ""
    if source != f"{kept.storage}: {kept.label}":
        click.echo(f"{name}: it comes after another key, which is used first ({source})")


def _test(workspace: Workspace, name: str, kept: StoredKey | None) -> ConnectionReport:
    """With the key that was just kept, also where another one comes first."""
    config = workspace.providers.configs_with_keys(name)[f"{kept.storage}: {kept.label}"] if kept else None
    return asyncio.run(_ask(workspace, name, config))


async def _ask(workspace: Workspace, name: str, config: ProviderConfig | None) -> ConnectionReport:
    try:
        return await check(workspace.registry.get_provider(name, config))
    finally:
        await workspace.registry.aclose()


@click.command("remove", short_help="Forget a provider, or one of its keys.", epilog=_REMOVE_EXAMPLES)
@click.argument("name", shell_complete=provider_names)
@click.option("--label", metavar="L", help="Only the key of this label.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(*, name: str, label: str | None, yes: bool) -> None:
    """Forget what is set up for provider NAME, its kept keys too; or only one key. Environment variables stay."""
    with failing():
        workspace = open_workspace()
        keys = workspace.keys.entries(name)
        there = name in workspace.settings.providers
        if not there:
            _none_set_up(workspace, name)
        what = f"the key {label!r} of {name}" if label else f"all that is set up for {name}"
        if not label and keys:
            what += f", its keys too: {', '.join(kept.label for kept in keys)}"
        if not yes:
            if not somebody_there():
                raise click.UsageError("Nobody can be asked here: give --yes.")
            click.confirm(f"Remove {what}?", abort=True, err=True)
        if label:
            workspace.keys.remove(name, label)
        else:
            workspace.providers.remove(name)
    click.echo(f"removed {what}")


def _none_set_up(workspace: Workspace, name: str) -> None:
    """Raises what says so: a name there is none of with the nearest, unless it is a key."""
    if looks_like_a_key(name):
        raise click.UsageError("That looks like a key, which is never an argument. Name a provider.")
    try:
        workspace.registry.spec(name)
    except ProviderError as error:
        raise Failed(str(error), error.hint) from None
    raise Failed(f"nothing is set up for {name}", "`swebench-tui provider list` says where its key comes from.")
