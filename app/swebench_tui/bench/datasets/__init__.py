"""Datasets of SWE-bench tasks: the bundled starter set and local files."""

from __future__ import annotations

from pathlib import Path

from swebench_tui.bench.datasets import local, starter
from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.selection import Selection, find, select
from swebench_tui.bench.datasets.starter import STARTER

__all__ = ["STARTER", "Dataset", "DatasetError", "Selection", "find", "load", "select"]


def load(spec: str, *, split: str | None = None, revision: str | None = None) -> Dataset:
    """The dataset `starter`, or the .json or .jsonl file at the path `spec`, in the order of the file. Blocks.

    Raises `DatasetError` for any other spec, a file that cannot be read or holds no tasks, a row that is not an
    instance, and a repeated `instance_id`.
    """
    if split is not None or revision is not None:
        raise DatasetError(f"{spec} has neither splits nor revisions", hint="Name the dataset alone.")
    if spec == STARTER:
        return starter.load()
    if Path(spec).suffix.lower() in local.SUFFIXES:
        return local.load(spec)
    raise DatasetError(
        f"unknown dataset {spec!r}",
        hint=f"Use `{STARTER}`, the bundled tasks, or a local .jsonl or .json file with SWE-bench's columns.",
    )
