"""Datasets of SWE-bench tasks: the bundled starter set and local files."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from swebench_tui.bench.datasets import local, starter
from swebench_tui.bench.datasets.rows import DatasetError
from swebench_tui.bench.datasets.starter import STARTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_tui.bench.instance import Instance

__all__ = ["STARTER", "DatasetError", "find", "load"]


def load(spec: str) -> list[Instance]:
    """The instances of `starter`, or of the .json or .jsonl file at the path `spec`, in the order of the file. Blocks.

    Raises `DatasetError` for any other spec, a file that cannot be read or holds no tasks, a row that is not an
    instance, and a repeated `instance_id`.
    """
    if spec == STARTER:
        return starter.load()
    if Path(spec).suffix.lower() in local.SUFFIXES:
        return local.load(spec)
    raise DatasetError(
        f"unknown dataset {spec!r}",
        hint=f"Use `{STARTER}`, the bundled tasks, or a local .jsonl or .json file with SWE-bench's columns.",
    )


def find(instances: Sequence[Instance], instance_id: str) -> Instance:
    """The instance with this id. Raises `DatasetError` naming the most similar ids."""
    by_id = {instance.instance_id: instance for instance in instances}
    if instance_id in by_id:
        return by_id[instance_id]
    near = get_close_matches(instance_id, by_id, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Ids look like {next(iter(by_id), '(none)')}."
    raise DatasetError(f"the dataset has no task {instance_id!r}", hint=hint)
