"""Where the program keeps files of its own."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path


def repositories() -> Path:
    """Checkouts of the bundled repositories: made when needed, safe to delete."""
    return user_cache_path("swebench-tui") / "repositories"


def prices() -> Path:
    """What the user pays where that is not as the lists say; there only if the user wrote it."""
    return user_config_path("swebench-tui") / "prices.toml"


def config() -> Path:
    """What the user wrote or chose: settings, prices, the folder `themes`."""
    return user_config_path("swebench-tui")


def data() -> Path:
    """What the program keeps for the user: crash reports, answers too long for the clipboard."""
    return user_data_path("swebench-tui")
