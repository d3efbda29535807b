"""Clock, LRU caches and the synchronous bridge."""
