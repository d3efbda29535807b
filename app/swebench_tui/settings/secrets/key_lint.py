"""What is obviously wrong with a key, seen before anything is sent. No sentence holds any of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from swebench_providers import Secret
from swebench_providers.redaction import shape_of, without_bearer, without_header_name

_KNOWN: Final = frozenset(
    {"openai", "anthropic", "openrouter", "gemini", "huggingface", "ollama-cloud", "vertex", "azure"}
)
"""Providers that take only keys of their own. Whatever else there is may take anybody's."""

_SHORTEST: Final = 8  # characters
_QUOTES: Final = "\"'`“”\u2018\u2019«»"
_ASSIGNED: Final = re.compile(r"^(export\s+|set\s+|\$env:)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?=[^=\s])", re.IGNORECASE)
_NAMED: Final = re.compile(r"^\$?\{?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\}?$")
_ADDRESS: Final = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LINE_BREAK: Final = re.compile(r"[\r\n\v\f\x85\u2028\u2029]")


class Mistake(msgspec.Struct, frozen=True):
    """`mended` is the key as it was surely meant, None where that is not sure."""

    sentence: str
    mended: Secret | None = None


def mistakes(provider: str, key: Secret) -> list[Mistake]:
    """All that is wrong with `key`, the surest first; empty where nothing is seen. Sends nothing."""
    text = key.reveal()
    if not text.strip():
        return [Mistake("The key is empty.")]
    wrapped = [Mistake(sentence, Secret(mended)) for sentence, mended in _wrappings(text)]
    return wrapped or [Mistake(sentence) for sentence in _faults(provider, text)]


def _wrappings(text: str) -> Iterator[tuple[str, str]]:
    """What stands around the key, and the key without all of it."""
    mended = text
    told = []
    for _ in range(len(_PEELS) + 1):  # quotes may stand inside `export X=`, and the other way round
        for sentence, peel in _PEELS:
            peeled = peel(mended)
            if peeled and peeled != mended:
                mended = peeled
                told.append(sentence)
    for sentence in dict.fromkeys(told):
        yield sentence, mended


def _without_quotes(text: str) -> str:
    return text.strip(_QUOTES) if text[0] in _QUOTES or text[-1] in _QUOTES else text


_PEELS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("There are blanks or line breaks around the key.", str.strip),
    ("There are quotes around the key.", _without_quotes),
    ("The key has `Bearer` in front, which is added when it is sent.", without_bearer),
    ("The key has a header's name in front, which is added when it is sent.", without_header_name),
    ("The key has the name of a variable and `=` in front.", lambda text: _ASSIGNED.sub("", text)),
)


def _faults(provider: str, text: str) -> Iterator[str]:
    """What only the user can put right."""
    yield from _foreign_letters(text)
    if text.endswith(("…", "...", "*", "•")):
        yield "The key ends in an ellipsis or in stars: it was copied from where it is shown cut off."
    if _ADDRESS.match(text):
        yield "This is an address, not a key."
    elif _NAMED.match(text):
        yield "This is the name of a variable, not its value."
    elif len(text) < _SHORTEST:
        yield f"The key is shorter than {_SHORTEST} characters."
    shape = shape_of(text)
    if shape and provider in _KNOWN and shape.provider != provider:
        yield f"By its beginning this is a key of {shape.vendor}, not of {provider}."
    if text.startswith("sk-admin-") and provider == "openai":
        yield "This is an admin key of OpenAI, which answers no prompts."


def _foreign_letters(text: str) -> Iterator[str]:
    """What HTTP cannot carry, and what no key has."""
    if _LINE_BREAK.search(text):
        yield "The key has a line break in it."
    elif re.search(r"\s", text):
        yield "The key has blanks in it."
    if not text.isascii():
        yield "The key has letters in it that no key has, such as a curly quote or an ellipsis copied along."
    elif not _LINE_BREAK.sub("", text).replace("\t", " ").isprintable():
        yield "The key has control characters in it."
