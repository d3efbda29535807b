"""The program's own folders and files."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path


def repositories() -> Path:
    """Checkouts of the bundled repositories: created on demand, safe to delete."""
    return user_cache_path("swebench-tui") / "repositories"


def indexes() -> Path:
    """Search indexes of repositories: made again when needed, safe to delete."""
    return user_cache_path("swebench-tui") / "indexes"


def config() -> Path:
    """The user's configuration. The program writes there only on the user's request."""
    return user_config_path("swebench-tui")


def data() -> Path:
    """The program's data."""
    return user_data_path("swebench-tui")


def prices() -> Path:
    """The user's own prices; the user writes this file."""
    return config() / "prices.toml"
