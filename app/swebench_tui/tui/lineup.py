"""Which columns a comparison starts with."""

from __future__ import annotations

from swebench_tui.runs.target import Target


def default_lineup() -> list[Target]:
    """With nothing configured: the embedded model twice, once at its most likely words and once bolder."""
    return [
        Target(provider="embedded", model="smollm2", temperature=0.0),
        Target(provider="embedded", model="smollm2", temperature=0.8),
    ]
