"""Details in an error body, beside its message, that help the user: a date, a category, a URL, two sizes.

Text from a server becomes part of a hint only if it has the expected form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

_NUMBER: Final = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?![\w,])|(?<![\w.,-])\d{3,12}(?![\w,])")
_CATEGORY: Final = re.compile(r"[a-z_]{1,40}")
_URL: Final = re.compile(r"https://[A-Za-z0-9.-]{1,80}/[A-Za-z0-9./?=&%_~+-]{0,200}")


def mapping(value: object) -> Mapping[str, object]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def describe_details(outer: Mapping[str, object], inner: Mapping[str, object]) -> str:
    """The details of an error body (`inner` is its `error`) in sentences; empty if there are none."""
    return " ".join(filter(None, (_reset(inner), _filtered(inner), _sign_in(outer), _given_sizes(inner))))


def _reset(inner: Mapping[str, object]) -> str:
    """The reset of a used-up limit: OpenRouter's `resets_at`."""
    resets_at = mapping(inner.get("metadata")).get("resets_at")
    try:
        moment = datetime.fromisoformat(resets_at if isinstance(resets_at, str) else "").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"The limit resets at {moment:%Y-%m-%d %H:%M} UTC."


def _filtered(inner: Mapping[str, object]) -> str:
    """The categories for which Azure's content filter blocked a prompt."""
    results = mapping(mapping(inner.get("innererror")).get("content_filter_result"))
    filtered = [name for name, result in results.items() if mapping(result).get("filtered") is True]
    categories = [name.replace("_", " ") for name in filtered if _CATEGORY.fullmatch(name)]
    return f"Blocked by the content filter: {', '.join(categories[:9])}." if categories else ""


def _sign_in(outer: Mapping[str, object]) -> str:
    """The command or URL with which to sign in to Ollama."""
    if "signin_url" not in outer:
        return ""
    url = outer["signin_url"]
    is_valid = isinstance(url, str) and _URL.fullmatch(url)
    return f"Sign in: run `ollama signin`{f', or open {url}' if is_valid else ''}."


def _given_sizes(inner: Mapping[str, object]) -> str:
    """The sizes that llama.cpp reports as numbers."""
    sizes = inner.get("n_prompt_tokens"), inner.get("n_ctx")
    return _too_long(size for size in sizes if isinstance(size, int) and not isinstance(size, bool))


def describe_excess(message: str) -> str:
    """By how much a prompt is too long, if `message` contains exactly two sizes; else empty."""
    return _too_long(int(number.replace(",", "")) for number in _NUMBER.findall(message))


def _too_long(sizes: Iterator[int]) -> str:
    match sorted(sizes):
        case [window, prompt] if 0 < window < prompt < 10**12:
            return f"The prompt is {prompt - window:,} tokens over the window of {window:,}."
        case _:
            return ""
