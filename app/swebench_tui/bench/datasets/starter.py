"""The bundled starter set: a dozen small tasks with their repositories, available without network."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.datasets.rows import instances, numbered_lines

if TYPE_CHECKING:
    from swebench_tui.bench.instance import Instance

STARTER: Final = "starter"
"""The set's name, where a dataset is chosen."""


def load() -> list[Instance]:
    """The starter tasks, in the order of their file."""
    tasks = files("swebench_tui.bench") / "starter" / "tasks.jsonl"
    return instances(tasks.name, numbered_lines(tasks.read_bytes()))
