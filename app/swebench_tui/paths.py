"""Where the program keeps files of its own."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path


def repositories() -> Path:
    """Checkouts of the bundled repositories: made when needed, safe to delete."""
    return user_cache_path("swebench-tui") / "repositories"
