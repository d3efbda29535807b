"""API keys from a prompt or standard input, checked for obvious mistakes. A key in an argument is refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import is_secret_setting, looks_like_a_key
from swebench_tui.cli.failure import Failed
from swebench_tui.settings.secrets.key_lint import KeyIssue, lint_key

_MAX_INPUT: Final = 65_536  # bytes of standard input


class KeyInput(msgspec.Struct, frozen=True, kw_only=True):
    """The provider of a key, and how issues are handled: `interactive` prompts, `assume_yes` accepts them."""

    provider: str
    interactive: bool
    assume_yes: bool
    optional: bool = False


def refuse_keys(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Raises a usage error for an argument that is a key or the option of one. The error does not contain it."""
    for argument in arguments:
        option, equals, value = argument.partition("=")
        is_option = option.startswith("--") and is_secret_setting(option.removeprefix("--"))
        if is_option or looks_like_a_key(value if equals and option.startswith("--") else argument):
            raise click.UsageError(
                "Keys are never passed as arguments, which are visible in the process list and in the shell history. "
                "Use --api-key-stdin, or run the command on a terminal, which prompts for the key. "
                "If it is a real key, consider replacing it.",
                ctx,
            )


def is_interactive() -> bool:
    """Whether the user can be prompted. Standard input may be closed (`<&-`)."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_stdin_key() -> Secret:
    """Read the key from standard input, without the line feed at its end. Raises `Failed`."""
    if sys.stdin is None:
        raise Failed("standard input is closed", "Pass the key on standard input.")
    data = sys.stdin.buffer.read(_MAX_INPUT + 1)
    if len(data) > _MAX_INPUT:
        del data
        raise Failed("standard input is too long for a key", "Pass only the key.")
    return Secret(data.decode("utf-8", "replace").rstrip("\r\n"))


def check_key(source: KeyInput, key: Secret) -> Secret:
    """Return the key, corrected if the user agreed. Raises `Failed` for one that must not be used."""
    accepted = _accepted(source, key)
    if accepted is None:
        raise Failed(
            f"{source.provider}: the key was not stored", "Copy the key again, complete and without anything around it."
        )
    return accepted


def prompt_key(source: KeyInput) -> Secret | None:
    """Prompt until the key has no issues or the user accepts them. None: the user entered no key."""
    while True:
        prompt = f"API key of {source.provider} (hidden{', empty for none' if source.optional else ''})"
        default = "" if source.optional else None
        key = Secret(click.prompt(prompt, default=default, hide_input=True, show_default=False, err=True))
        if not key and source.optional:
            return None
        accepted = _accepted(source, key)
        if accepted is not None:
            return accepted


def _accepted(source: KeyInput, key: Secret) -> Secret | None:
    """The key to use; None if it has to be entered again."""
    issues = lint_key(source.provider, key)
    if not issues:
        return key
    for issue in issues:
        click.echo(issue.message, err=True)
    corrected = issues[0].corrected
    if corrected is not None and (
        source.assume_yes or (source.interactive and _confirmed("Use the corrected key?", default=True))
    ):
        return _accepted(source, corrected)
    if source.interactive and corrected is None and key.fits_a_header and key:
        return key if _confirmed("Use it anyway?", default=False) else None
    if source.assume_yes and corrected is None and key.fits_a_header and key:
        return key
    if not source.interactive:
        raise _refusal(issues, key)
    return None


def _confirmed(question: str, *, default: bool) -> bool:
    return click.confirm(question, default=default, err=True)


def _refusal(issues: Sequence[KeyIssue], key: Secret) -> Failed:
    if issues[0].corrected is not None:
        hint = "Correct it, or pass --yes to use the corrected key."
    elif key.fits_a_header and key:
        hint = "Copy it again, or pass --yes to store it anyway."
    else:
        hint = "It cannot be sent in a request. Copy it again."
    return Failed("the key was not stored", hint)
