"""Datasets of SWE-bench tasks: the bundled starter set, datasets of the Hugging Face hub, local files and folders."""

from __future__ import annotations

import threading

from swebench_tui.bench.datasets import hub, local, starter
from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.errors import DatasetError, FetchCancelledError
from swebench_tui.bench.datasets.hub import ProgressCallback
from swebench_tui.bench.datasets.hub_cache import CachedDataset, cached
from swebench_tui.bench.datasets.hub_messages import Progress
from swebench_tui.bench.datasets.known import KNOWN, KnownDataset
from swebench_tui.bench.datasets.selection import Selection, find, select
from swebench_tui.bench.datasets.spec import parse
from swebench_tui.bench.datasets.starter import STARTER
from swebench_tui.bench.instance import Instance

__all__ = [
    "KNOWN",
    "STARTER",
    "CachedDataset",
    "Dataset",
    "DatasetError",
    "FetchCancelledError",
    "KnownDataset",
    "Progress",
    "ProgressCallback",
    "Selection",
    "cached",
    "find",
    "load",
    "load_swe_bench_instances",
    "select",
]


def load(
    spec: str,
    *,
    split: str | None = None,
    revision: str | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Dataset:
    """The dataset that `spec` names, in its own order. Blocks.

    A spec is `starter`; a short name (`lite`, `verified`, `full`, `multilingual`, `multimodal`) or `owner/name` of the
    hub, with `@revision` and `:split` behind it; or the path of a file or folder, with `:split` behind it where it has
    several. Without a split it is `test`, or the only one.

    `progress` is called while files of the hub arrive; once `cancel` is set, `FetchCancelledError` is raised within a
    second. Raises `DatasetError` for what is no dataset, cannot be read or fetched, or has a row that is no instance.
    """
    parsed = parse(spec, split=split, revision=revision)
    if parsed.path is not None:
        return local.load(parsed.path, name=parsed.name, split=parsed.split)
    if parsed.repo is not None:
        return hub.load(parsed, progress=progress, cancel=cancel)
    return starter.load()


def load_swe_bench_instances(
    spec: str,
    *,
    limit: int | None = None,
    selection: Selection | None = None,
    split: str | None = None,
    revision: str | None = None,
) -> list[Instance]:
    """The selected instances of a dataset, the first `limit` of them. Blocks. `load` also tells the revision."""
    instances = select(load(spec, split=split, revision=revision).instances, selection or Selection())
    return instances[:limit]
