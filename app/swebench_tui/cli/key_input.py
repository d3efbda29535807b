"""A key from the keyboard or from standard input, with obvious mistakes pointed out; and keys in arguments refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import is_secret_setting, looks_like_a_key
from swebench_tui.cli.failure import Failed
from swebench_tui.settings.secrets.key_lint import Mistake, mistakes

_LONGEST: Final = 65_536  # bytes of standard input


class KeyInput(msgspec.Struct, frozen=True, kw_only=True):
    """For which provider, and what may be done about a mistake: ask, or, where the user is `certain`, take it."""

    provider: str
    asks: bool
    certain: bool
    optional: bool = False


def refuse_keys(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Raises wrong usage for an argument that is a key or its option. What was given is not shown again."""
    for argument in arguments:
        option, equals, value = argument.partition("=")
        is_option = option.startswith("--") and is_secret_setting(option.removeprefix("--"))
        if is_option or looks_like_a_key(value if equals and option.startswith("--") else argument):
            raise click.UsageError(
                "A key is never an argument: arguments show in the list of processes and in the shell's history. "
                "Give it to --api-key-stdin, or run the command on a terminal, which asks. "
                "Where it was a real key, think about replacing it.",
                ctx,
            )


def somebody_there() -> bool:
    """Whether anybody can be asked. Standard input need not be there at all (`<&-`)."""
    return sys.stdin is not None and sys.stdin.isatty()


def key_of_stdin() -> Secret:
    """What stands on standard input, without the line feed at its end."""
    if sys.stdin is None:
        raise Failed("standard input is closed, so there is no key on it", "Hand over the key there.")
    given = sys.stdin.buffer.read(_LONGEST + 1)
    if len(given) > _LONGEST:
        del given
        raise Failed("standard input holds far more than a key", "Hand over the key alone.")
    return Secret(given.decode("utf-8", "replace").rstrip("\r\n"))


def checked_key(source: KeyInput, key: Secret) -> Secret:
    """The key, mended where that was agreed to. Raises `Failed` for one that is not to be used."""
    agreed = _agreed(source, key)
    if agreed is None:
        raise Failed(f"{source.provider}: the key was not kept", "Copy it again, whole, and nothing around it.")
    return agreed


def ask_key(source: KeyInput) -> Secret | None:
    """Ask until there is a key without mistakes, or one the user wants all the same. None: there is none to keep."""
    while True:
        prompt = f"Key of {source.provider} (not shown{', empty for none' if source.optional else ''})"
        usual = "" if source.optional else None
        key = Secret(click.prompt(prompt, default=usual, hide_input=True, show_default=False, err=True))
        if not key and source.optional:
            return None
        agreed = _agreed(source, key)
        if agreed is not None:
            return agreed


def _agreed(source: KeyInput, key: Secret) -> Secret | None:
    """The key that is to be used; None where it is to be given again."""
    found = mistakes(source.provider, key)
    if not found:
        return key
    for mistake in found:
        click.echo(mistake.sentence, err=True)
    mended = found[0].mended
    if mended is not None and (source.certain or (source.asks and _confirmed("Use the key without that?", yes=True))):
        return _agreed(source, mended)
    if source.asks and mended is None and key.fits_a_header and key:
        return key if _confirmed("Use it all the same?", yes=False) else None
    if source.certain and mended is None and key.fits_a_header and key:
        return key
    if not source.asks:
        raise _refused(found, key)
    return None


def _confirmed(question: str, *, yes: bool) -> bool:
    return click.confirm(question, default=yes, err=True)


def _refused(found: Sequence[Mistake], key: Secret) -> Failed:
    if found[0].mended is not None:
        return Failed("the key was not kept as it stands", "Take that away, or give --yes to have it taken away.")
    able = key.fits_a_header and bool(key)
    hint = (
        "Copy it again, or give --yes to keep it all the same." if able else "No request can carry it: copy it again."
    )
    return Failed("the key was not kept", hint)
