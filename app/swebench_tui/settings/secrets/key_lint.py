"""Checks for obvious mistakes in an API key, made before anything is sent. No message contains any of the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import shape_of, without_bearer, without_header_name

_OWN_KEYS_ONLY: Final = frozenset(
    {"openai", "anthropic", "openrouter", "gemini", "huggingface", "ollama-cloud", "vertex", "azure"}
)
"""Providers that take only keys of their own. Any other provider may take another vendor's."""

_MIN_LENGTH: Final = 8  # characters
_QUOTES: Final = "\"'`“”\u2018\u2019«»"
_ASSIGNMENT: Final = re.compile(r"^(export\s+|set\s+|\$env:)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?=[^=\s])", re.IGNORECASE)
_VARIABLE_NAME: Final = re.compile(r"^\$?\{?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\}?$")
_URL: Final = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LINE_BREAK: Final = re.compile(r"[\r\n\v\f\x85\u2028\u2029]")


class KeyIssue(msgspec.Struct, frozen=True):
    """`corrected` is the key as it was certainly meant, None if that is not certain."""

    message: str
    corrected: Secret | None = None


def lint_key(provider: str, key: Secret) -> list[KeyIssue]:
    """All issues of `key`, the most certain first; empty if none is found. Sends nothing."""
    text = key.reveal()
    if not text.strip():
        return [KeyIssue("The key is empty.")]
    wrapping = [KeyIssue(message, Secret(corrected)) for message, corrected in _wrapping_issues(text)]
    return wrapping or [KeyIssue(message) for message in _content_issues(provider, text)]


def _wrapping_issues(text: str) -> Iterator[tuple[str, str]]:
    """What is wrapped around the key, each with the key without any of it."""
    corrected = text
    messages = []
    for _ in range(len(_WRAPPINGS) + 1):  # quotes may be inside `export X=`, and the other way round
        for message, unwrap in _WRAPPINGS:
            unwrapped = unwrap(corrected)
            if unwrapped and unwrapped != corrected:
                corrected = unwrapped
                messages.append(message)
    for message in dict.fromkeys(messages):
        yield message, corrected


def _without_quotes(text: str) -> str:
    return text.strip(_QUOTES) if text[0] in _QUOTES or text[-1] in _QUOTES else text


_WRAPPINGS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("The key has whitespace around it.", str.strip),
    ("The key has quotes around it.", _without_quotes),
    ("The key starts with `Bearer`, which is added when it is sent.", without_bearer),
    ("The key starts with a header name, which is added when it is sent.", without_header_name),
    ("The key starts with a variable name and `=`.", lambda text: _ASSIGNMENT.sub("", text)),
)


def _content_issues(provider: str, text: str) -> Iterator[str]:
    """What only the user can fix."""
    yield from _character_issues(text)
    if text.endswith(("…", "...", "*", "•")):
        yield "The key ends in an ellipsis or asterisks: it was copied from a shortened display."
    if _URL.match(text):
        yield "This is a URL, not a key."
    elif _VARIABLE_NAME.match(text):
        yield "This is the name of a variable, not its value."
    elif len(text) < _MIN_LENGTH:
        yield f"The key is shorter than {_MIN_LENGTH} characters."
    shape = shape_of(text)
    if shape and provider in _OWN_KEYS_ONLY and shape.provider != provider:
        yield f"By its prefix this is a key of {shape.vendor}, not of {provider}."
    if text.startswith("sk-admin-") and provider == "openai":
        yield "This is an OpenAI admin key, which cannot send prompts."


def _character_issues(text: str) -> Iterator[str]:
    """Characters that HTTP cannot carry, or that no key contains."""
    if _LINE_BREAK.search(text):
        yield "The key contains a line break."
    elif re.search(r"\s", text):
        yield "The key contains spaces."
    if not text.isascii():
        yield "The key contains characters that no key has, such as a curly quote or an ellipsis."
    elif not _LINE_BREAK.sub("", text).replace("\t", " ").isprintable():
        yield "The key contains control characters."
