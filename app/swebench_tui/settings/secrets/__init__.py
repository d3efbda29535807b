"""Keys: where they are kept, how they are read, and nothing that shows one."""
