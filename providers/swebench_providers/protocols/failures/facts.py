"""What an error body says beside its sentence that the user can act on: a date, a category, an address, two numbers.

A server's words become part of a hint only where they have the form that is expected of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

_NUMBER: Final = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?![\w,])|(?<![\w.,-])\d{3,12}(?![\w,])")
_CATEGORY: Final = re.compile(r"[a-z_]{1,40}")
_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9.-]{1,80}/[A-Za-z0-9./?=&%_~+-]{0,200}")


def mapping(value: object) -> Mapping[str, object]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def facts(outer: Mapping[str, object], inner: Mapping[str, object]) -> str:
    """Sentences from an error body (`inner` is its `error`), "" where there is nothing to add."""
    return " ".join(filter(None, (_reset(inner), _filtered(inner), _sign_in(outer), _given_sizes(inner))))


def _reset(inner: Mapping[str, object]) -> str:
    """When a spent limit is full again: OpenRouter's `resets_at`."""
    said = mapping(inner.get("metadata")).get("resets_at")
    try:
        moment = datetime.fromisoformat(said if isinstance(said, str) else "").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"The limit is reset at {moment:%Y-%m-%d %H:%M} UTC."


def _filtered(inner: Mapping[str, object]) -> str:
    """The categories for which Azure's filter blocked a prompt."""
    results = mapping(mapping(inner.get("innererror")).get("content_filter_result"))
    named = [name for name, result in results.items() if mapping(result).get("filtered") is True]
    categories = [name.replace("_", " ") for name in named if _CATEGORY.fullmatch(name)]
    return f"The filter that blocked it: {', '.join(categories[:9])}." if categories else ""


def _sign_in(outer: Mapping[str, object]) -> str:
    """Where Ollama wants its user to sign in."""
    if "signin_url" not in outer:
        return ""
    address = outer["signin_url"]
    known = isinstance(address, str) and _ADDRESS.fullmatch(address)
    return f"Sign in: run `ollama signin`{f', or open {address}' if known else ''}."


def _given_sizes(inner: Mapping[str, object]) -> str:
    """llama.cpp gives both sizes as numbers."""
    sizes = inner.get("n_prompt_tokens"), inner.get("n_ctx")
    return _too_long(size for size in sizes if isinstance(size, int) and not isinstance(size, bool))


def excess(message: str) -> str:
    """By how much a prompt is too long, where the sentence names two sizes and nothing else."""
    return _too_long(int(number.replace(",", "")) for number in _NUMBER.findall(message))


def _too_long(sizes: Iterator[int]) -> str:
    match sorted(sizes):
        case [window, prompt] if 0 < window < prompt < 10**12:
            return f"It is {prompt - window:,} tokens over the window of {window:,}."
        case _:
            return ""
