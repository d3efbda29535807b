"""Local datasets: a JSON Lines, JSON, parquet or arrow file, a folder of such files, or a repository of tasks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from swebench_tui.bench.datasets import json_rows, tables, task_repository
from swebench_tui.bench.datasets.data_files import TABLES, UNNAMED, choose_format, choose_split, has_pyarrow, splits
from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.regular_file import hash_regular_file, read_regular_file
from swebench_tui.bench.datasets.rows import Row, content_revision, instances, numbered_lines

_MAX_FILES: Final = 20_000
_BOM: Final = b"\xef\xbb\xbf"


def load(path: Path, *, name: str, split: str | None) -> Dataset:
    """The dataset at `path`, in the order of its files. Blocks.

    Unknown columns are ignored. Raises `DatasetError` for what cannot be read or is not a dataset.
    """
    if not path.is_dir():
        return _load_file(path, name=name, split=split)
    if task_repository.is_one(path):
        return task_repository.load(path, name=name, split=split)
    found = splits(_files(path))
    chosen = choose_split(found, split, name=name)
    paths = choose_format(found[chosen], name=name, tables=has_pyarrow())
    revision = hashlib.sha256()
    for relative in paths:
        revision.update(f"{relative}\0{hash_regular_file(path / relative)}\n".encode(errors="surrogateescape"))
    return Dataset(
        name=name,
        split=chosen if chosen != UNNAMED else None,
        revision=f"sha256:{revision.hexdigest()}",
        instances=instances((relative, rows_of_file(path / relative, name=relative)) for relative in paths),
    )


def rows_of_file(path: Path, *, name: str) -> Iterable[Row]:
    """The rows of one file, in the format that its suffix names. `name` is the file's in errors."""
    if path.suffix.lower() in TABLES:
        return tables.rows(path, name=name)
    return _text_rows(path, read_regular_file(path), name=name)


def _load_file(path: Path, *, name: str, split: str | None) -> Dataset:
    if split is not None:
        raise DatasetError(f"{path.name} is one file and has no splits", hint="Leave the split out.")
    if path.suffix.lower() in TABLES:
        revision, rows = f"sha256:{hash_regular_file(path)}", tables.rows(path, name=path.name)
    else:
        data = read_regular_file(path)
        revision, rows = content_revision(data), _text_rows(path, data, name=path.name)
    return Dataset(name=name, split=None, revision=revision, instances=instances([(path.name, rows)]))


def _text_rows(path: Path, data: bytes, *, name: str) -> Iterator[Row]:
    text = data.removeprefix(_BOM)
    return numbered_lines(text) if path.suffix.lower() == ".jsonl" else json_rows.elements(name, text)


def _files(folder: Path) -> list[str]:
    """The files below a folder, relative to it. Links to folders are not followed: they may lead round in a circle."""
    found = []
    for parent, _, names in os.walk(folder, followlinks=False):
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in names]
        if len(found) > _MAX_FILES:
            raise DatasetError(
                f"{folder} has more than {_MAX_FILES:,} files", hint="Name the folder of the data alone."
            )
    return found
