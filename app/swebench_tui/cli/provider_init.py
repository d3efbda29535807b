"""`swebench-tui provider init`. Keys are never arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from swebench_providers import ProviderConfig, ProviderSpec, Secret
from swebench_providers.config import from_environment, normalise
from swebench_providers.connection_test import ConnectionReport, check
from swebench_tui.cli.completions import provider_names
from swebench_tui.cli.context import open_workspace
from swebench_tui.cli.failure import Failed, failing
from swebench_tui.cli.key_input import KeyInput, check_key, is_interactive, prompt_key, read_stdin_key, refuse_keys
from swebench_tui.settings.definitions import KeyStorage, StoredKey
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import json_text, one_line

_OPTIONS: Final = "--api-key-stdin, --from-env, --base-url URL or --model ID"
_INIT_EXAMPLES: Final = """\b
Examples:
  swebench-tui provider init openai
  pass show openai | swebench-tui provider init openai --api-key-stdin --label work
  swebench-tui provider init mybox --like compatible --base-url http://gpubox:8000"""


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    base_url: str | None
    model: str | None
    stdin: bool
    from_env: bool
    label: str | None
    storage: KeyStorage | None
    like: str | None
    yes: bool
    interactive: bool

    @property
    def any(self) -> bool:
        """Whether there is something to do without prompting."""
        return bool(self.base_url or self.model or self.stdin or self.from_env)


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON output of `provider init`. `key` is None if none was stored, `test` if none was run."""

    provider: str
    base_url: str | None
    model: str | None
    key: StoredKey | None
    test: ConnectionReport | None


class _Init(click.Command):
    """Refuses every argument that looks like a key, without printing it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_keys(ctx, args)
        return super().parse_args(ctx, args)


@click.command("init", cls=_Init, short_help="Set up a provider: key, address, model.", epilog=_INIT_EXAMPLES)
@click.argument("name", shell_complete=provider_names)
@click.option("--api-key-stdin", "stdin", is_flag=True, help="Read the key from standard input.")
@click.option("--from-env", is_flag=True, help="Store the key from the provider's environment variable.")
@click.option("--base-url", metavar="URL", help="Base URL.")
@click.option("--model", metavar="ID", help="Default model.")
@click.option("--label", metavar="L", help="Name of the key. A provider may have several.")
@click.option(
    "--keep-in",
    "storage",
    type=click.Choice(["keyring", "file"]),
    help="Where to store the key. `file` is plain text that only you can read, and prompts unless --yes is passed.",
)
@click.option(
    "--like",
    metavar="P",
    shell_complete=provider_names,
    help="Add NAME as a custom provider with the API of P, such as compatible.",
)
@click.option("--no-test", is_flag=True, help="Do not send a test request.")
@click.option("--yes", is_flag=True, help="Do not prompt, and store a key that looks wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(
    *,
    name: str,
    stdin: bool,
    from_env: bool,
    base_url: str | None,
    model: str | None,
    label: str | None,
    storage: KeyStorage | None,
    like: str | None,
    no_test: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Set up provider NAME and test it. On a terminal, it prompts for what is missing.

    The key is stored in the system keyring, and sent only to the provider's current address. It is never an argument:
    arguments are visible in the process list and in the shell history. Exit status 1 if the provider does not respond;
    the settings are saved all the same.
    """
    options = _Options(
        base_url=base_url,
        model=model,
        stdin=stdin,
        from_env=from_env,
        label=label,
        storage=storage,
        like=like,
        yes=yes,
        interactive=is_interactive() and not yes and not as_json,
    )
    if stdin and from_env:
        raise click.UsageError("--api-key-stdin and --from-env cannot be combined.")
    if not options.interactive and not options.any:
        raise click.UsageError(f"Not a terminal: pass {_OPTIONS}.")
    with failing():
        workspace = open_workspace()
        spec = _spec(workspace, name, options)
        _configure(workspace, name, spec, options)
        entry = _store_key(workspace, name, spec, options)
        if not as_json:
            _print_summary(workspace, name, entry)
        report = None if no_test else _test(workspace, name, entry)
    if as_json:
        config = workspace.providers.describe_config(name)
        result = InitReport(provider=name, base_url=config.base_url, model=config.model, key=entry, test=report)
        click.echo(json_text(result))
    if report is None:
        return
    if not report.ok:
        if as_json:
            click.get_current_context().exit(1)
        verdict = report.verdict.replace("_", " ")
        raise Failed(f"{name} is configured, but its test failed: {verdict}: {report.message}", report.hint)
    if not as_json:
        click.echo(f"{name}: {one_line(report.model)} responded")


def _spec(workspace: Workspace, name: str, options: _Options) -> ProviderSpec:
    """The spec of the provider; a custom provider is added first."""
    if options.like is not None:
        if not options.base_url:
            raise click.UsageError("--like requires --base-url URL.")
        address = normalise(options.base_url, workspace.registry.spec(options.like))
        workspace.providers.add(name, like=options.like, base_url=address)
    return workspace.registry.spec(name)


def _configure(workspace: Workspace, name: str, spec: ProviderSpec, options: _Options) -> None:
    """Save address and model, before the key is bound to the address."""
    address = options.base_url
    if address is None and options.interactive and not spec.embedded:
        config = workspace.providers.describe_config(name)
        if config.base_url is None:
            address = click.prompt("Base URL (http://HOST:PORT or https://HOST/PATH)", err=True)
    if address and options.like is None:
        workspace.change(("providers", name, "base_url"), normalise(address, spec))
    if options.model:
        workspace.change(("providers", name, "model"), options.model)


def _store_key(workspace: Workspace, name: str, spec: ProviderSpec, options: _Options) -> StoredKey | None:
    """Store the key of the options or of a prompt. Returns None if there is none to store."""
    given = options.stdin or options.from_env
    if not given and (not options.interactive or spec.embedded or (spec.local and options.any)):
        return None
    source = KeyInput(
        provider=name,
        interactive=options.interactive,
        assume_yes=options.yes,
        optional=spec.local and not given,
    )
    if options.from_env:
        key: Secret | None = check_key(source, _environment_key(workspace, name, spec))
    elif options.stdin and not is_interactive():
        key = check_key(source, read_stdin_key())
    else:
        key = prompt_key(source)
    if key is None:
        return None
    label = options.label or _prompt_label(workspace.keys.entries(name), options)
    storage = _storage(workspace, options)
    try:
        return workspace.keys.add(name, key, label=label, storage=storage)
    except KeyStoreError as error:
        if not options.interactive or storage == "file":
            raise
        reason = str(error)
    return workspace.keys.add(name, key, label=label, storage=_confirm_file(options, reason))


def _environment_key(workspace: Workspace, name: str, spec: ProviderSpec) -> Secret:
    base_url = workspace.providers.describe_config(name).base_url
    key = from_environment(name, spec, workspace.environ, base_url=base_url).api_key
    if key is None:
        variables = " or ".join((*spec.token_env, *spec.env))
        raise Failed(
            f"no key of {name} for the configured address in the environment",
            f"Set {variables}. It is used for the provider's own address only."
            if variables
            else "It uses no variable.",
        )
    return key


def _prompt_label(entries: Sequence[StoredKey], options: _Options) -> str:
    """Prompt for a label only if there is a key that the default label could replace."""
    if not entries or not options.interactive:
        return "default"
    click.echo(f"Stored keys: {', '.join(entry.label for entry in entries)}", err=True)
    return str(click.prompt("Label of the new key (an existing label is replaced)", default="default", err=True))


def _storage(workspace: Workspace, options: _Options) -> KeyStorage | None:
    """Where to store the key; None for the storage chosen before, or the default."""
    keep_in = workspace.settings.secrets.keep_in
    if options.storage == "file" and keep_in != "file" and not options.yes:
        return _confirm_file(options)
    if options.storage is not None or keep_in is not None or not options.interactive:
        return options.storage
    keyring = workspace.keys.keyring_status()
    if not keyring.usable:
        return _confirm_file(options, f"The system keyring cannot be used: {keyring.problem}.")
    click.echo(f"System keyring: {one_line(keyring.name)}", err=True)
    choice = click.prompt("Store the key in", type=click.Choice(["keyring", "file"]), default="keyring", err=True)
    return "keyring" if choice == "keyring" else _confirm_file(options)


def _confirm_file(options: _Options, reason: str = "") -> KeyStorage:
    """Confirm plain text. Raises `Failed`, naming the alternatives, if that is refused or nobody can be prompted."""
    if reason:
        click.echo(one_line(reason), err=True)
    question = "Store it in a file, as plain text that only you can read?"
    if options.interactive and click.confirm(question, default=False, err=True):
        return "file"
    raise Failed(
        "the key was not stored",
        "Set its environment variable or `key_command` in settings.toml, or allow a file: --keep-in file --yes.",
    )


def _print_summary(workspace: Workspace, name: str, entry: StoredKey | None) -> None:
    config = workspace.providers.describe_config(name)
    model = f", model {config.model}" if config.model else ""
    click.echo(f"{name}: {config.base_url or 'on this machine'}{model}")
    if entry is None:
        return
    click.echo(f"{name}: key {entry.label!r} stored in the {entry.storage}, for {entry.host} only")
    source = config.key_source or ""
    if source != f"{entry.storage}: {entry.label}":
        click.echo(f"{name}: another key has priority ({source})")


def _test(workspace: Workspace, name: str, entry: StoredKey | None) -> ConnectionReport:
    """Test the provider with the key just stored, even if another key has priority."""
    configs = workspace.providers.configs_with_keys(name) if entry else {}
    config = configs[f"{entry.storage}: {entry.label}"] if entry else None
    return asyncio.run(_send_test(workspace, name, config))


async def _send_test(workspace: Workspace, name: str, config: ProviderConfig | None) -> ConnectionReport:
    try:
        return await check(workspace.registry.get_provider(name, config))
    finally:
        await workspace.registry.aclose()
