"""Clock, LRU mappings and the sync bridge."""
