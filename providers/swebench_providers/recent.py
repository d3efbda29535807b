"""A mapping that stays small: what was not asked for the longest time goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

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
