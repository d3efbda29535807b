"""Names of models by their longest known prefix."""

from __future__ import annotations

from collections.abc import Iterable


def longest_prefix(prefixes: Iterable[str], name: str) -> str | None:
    """The longest of `prefixes` that `name` begins with and that ends where a word of it does; None without one.

    `gpt-4` is a prefix of `gpt-4-turbo` and `gpt-4.1`, but not of `gpt-4o`, nor is `o1` one of `o10`.
    """
    return max((prefix for prefix in prefixes if _begins(name, prefix)), key=len, default=None)


def _begins(name: str, prefix: str) -> bool:
    following = name[len(prefix) : len(prefix) + 1]
    return name.startswith(prefix) and not (prefix[-1:].isalnum() and following.isalnum())
