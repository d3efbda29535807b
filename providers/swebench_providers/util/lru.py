"""Caches of bounded size that drop the least recently used value first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import cachetools

K = TypeVar("K")
V = TypeVar("V")


class LRUCache(cachetools.LRUCache[K, V]):
    """`cachetools.LRUCache` that makes a missing value."""

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, made and added if it is missing."""
        try:
            return self[key]
        except KeyError:
            value = self[key] = make()
            return value


class WeakLRUCache(Generic[K, V]):
    """The `size` values used last, and each older one for as long as it is referenced elsewhere.

    So a key never gets a second value while its first one is still in use.
    """

    def __init__(self, size: int) -> None:
        self._recent: LRUCache[K, V] = LRUCache(size)
        self._referenced: WeakValueDictionary[K, V] = WeakValueDictionary()

    def __setitem__(self, key: K, value: V) -> None:
        self._referenced[key] = value
        self._recent[key] = value

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, made and added if it is missing."""
        value = self._referenced.get(key)
        if value is None:
            value = make()
        self[key] = value
        return value

    def items(self) -> list[tuple[K, V]]:
        """All entries, in the order in which they were made."""
        return list(self._referenced.items())
