"""Local servers: discovery, identification, and what each kind reports about its models."""
