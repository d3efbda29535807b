"""Mappings that stay small: what was not asked for the longest time goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size` values, those that were asked for or set last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def set(self, key: K, value: V) -> V:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
        return value

    def items(self) -> list[tuple[K, V]]:
        """All of them, the one that goes first at the front."""
        return list(self._values.items())

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        value = self.get(key)
        return self.set(key, make()) if value is None else value


class RecentOrHeld(Generic[K, V]):
    """The `size` values that were asked for last, and an older one for as long as somebody else holds it.

    So there is never a second value for a key whose first one is still in use.
    """

    def __init__(self, size: int) -> None:
        self._recent: Recent[K, V] = Recent(size)
        self._held: WeakValueDictionary[K, V] = WeakValueDictionary()

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        value = self._held.get(key)
        return self.set(key, make() if value is None else value)

    def set(self, key: K, value: V) -> V:
        self._held[key] = value
        return self._recent.set(key, value)

    def items(self) -> list[tuple[K, V]]:
        """All of them, in the order in which they were made."""
        return list(self._held.items())
