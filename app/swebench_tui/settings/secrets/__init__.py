"""API keys: where they are stored, how they are read. Nothing here displays one."""
