"""The bundled starter set: a dozen small tasks with their repositories, available without network."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.rows import content_revision, instances, numbered_lines

STARTER: Final = "starter"
"""The set's name, where a dataset is chosen."""


def load() -> Dataset:
    """The starter tasks, in the order of their file."""
    tasks = files("swebench_tui.bench") / "starter" / "tasks.jsonl"
    data = tasks.read_bytes()
    return Dataset(
        name=STARTER,
        split=None,
        revision=content_revision(data),
        instances=instances([(tasks.name, numbered_lines(data))]),
    )
