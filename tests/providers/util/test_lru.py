"""Caches stay within their size, and no key has two values at a time."""

from __future__ import annotations

import gc

import pytest

from swebench_providers.util.lru import LRUCache, WeakLRUCache


class Value:
    """Something that can be referenced weakly."""


def test_the_least_recently_used_value_goes_first() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    cache["a"], cache["b"] = 1, 2
    assert cache.get_or_add("a", lambda: 9) == 1
    assert cache.get_or_add("c", lambda: 3) == 3
    assert dict(cache) == {"a": 1, "c": 3}


def test_what_cannot_be_made_is_not_kept() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_add("a", lambda: 1 // 0)
    assert dict(cache) == {}


def test_a_value_that_is_referenced_elsewhere_outlives_the_size() -> None:
    cache: WeakLRUCache[int, Value] = WeakLRUCache(2)
    held = cache.get_or_add(0, Value)
    for number in range(1, 10):
        cache.get_or_add(number, Value)
    gc.collect()
    assert set(dict(cache.items())) == {0, 8, 9}
    assert cache.get_or_add(0, Value) is held
    cache[0] = replacement = Value()
    assert cache.get_or_add(0, Value) is replacement
