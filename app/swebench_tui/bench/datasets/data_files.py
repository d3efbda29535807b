"""Which files of a folder or a repository are the data of which split, by the layouts in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Final

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError

TABLES: Final = (".parquet", ".arrow")
"""Formats that need pyarrow, the preferred one first."""

TEXTS: Final = (".jsonl", ".json")

DEFAULT_SPLIT: Final = "test"
"""Where none is named, if the dataset has it."""

UNNAMED: Final = ""
"""The split of files whose names tell none."""

INSTALL_PYARROW: Final = "pip install 'swebench-tui[datasets]'"

_SHARD: Final = re.compile(r"(?P<name>[\w.]+?)-(?P<number>\d{5})-of-(?P<total>\d{5})(?:-[0-9a-f]+)?")
_KEYWORD: Final = re.compile(
    r"(?:^|[^a-z0-9])(train|training|validation|valid|val|dev|test|testing)(?:[^a-z0-9]|$)", re.IGNORECASE
)
_NAMES_NO_SPLIT: Final = frozenset({"data", "dataset", "part", "shard", "default"})
_NOT_DATA: Final = frozenset(
    {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "package.json"}
)


_SHOWN: Final = 12
"""Splits that an error lists at most."""


class Config(msgspec.Struct, frozen=True):
    """A pattern of file names for each split, as the card of a hub dataset declares them."""

    patterns: tuple[tuple[str, str], ...]


def splits(files: Iterable[str], config: Config | None = None) -> dict[str, list[str]]:
    """The data files of each split, sorted by name; paths are relative and have `/`.

    Without a config the split is read from the name: `data/test-00000-of-00002.parquet`, `test.jsonl`, `test/a.json`.
    """
    data = sorted(path for path in files if _is_data(path))
    found: dict[str, list[str]] = {}
    for path in data:
        names = _by_config(path, config) if config else [split_of(path)]
        for name in names:
            found.setdefault(name, []).append(path)
    return found


def choose_split(found: Mapping[str, Sequence[str]], split: str | None, *, name: str) -> str:
    """The split that was named; else `test`; else the only one. Raises `DatasetError` listing the splits."""
    if not found:
        raise DatasetError(
            f"{name} holds no data files", hint="A dataset has .parquet, .arrow, .jsonl or .json files with its rows."
        )
    if split is not None and split in found:
        return split
    named = [key for key in found if key != UNNAMED]
    known = ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else "")
    if split is not None:
        hint = f"It has: {known}." if known else "It has no splits: leave the split out."
        raise DatasetError(f"{name} has no split {split!r}", hint=hint)
    if DEFAULT_SPLIT in found or len(found) == 1:
        return DEFAULT_SPLIT if DEFAULT_SPLIT in found else next(iter(found))
    raise DatasetError(f"{name} has several splits: {known}", hint=f"Name one, as in {name}:{named[0]}.")


def choose_format(paths: Sequence[str], *, name: str, tables: bool) -> list[str]:
    """The files of one format: a split often lies there in several. `tables` is whether pyarrow is installed.

    Raises `DatasetError` where only pyarrow can read it, and where a file of a numbered series is missing.
    """
    for suffix in (*(TABLES if tables else ()), *TEXTS):
        chosen = [path for path in paths if path.lower().endswith(suffix)]
        if chosen:
            _check_series(chosen, name)
            return chosen
    raise DatasetError(
        f"{name} is in {PurePosixPath(paths[0]).suffix[1:]} files, which need pyarrow", hint=f"Run {INSTALL_PYARROW}"
    )


def has_pyarrow() -> bool:
    """Whether parquet and arrow files can be read. Imports nothing."""
    return find_spec("pyarrow") is not None


def split_of(path: str) -> str:
    """The split that a path names, `UNNAMED` where it names none."""
    pure = PurePosixPath(path)
    shard = _SHARD.fullmatch(pure.stem)
    if shard and shard["name"].lower() not in _NAMES_NO_SPLIT:
        return shard["name"]
    for part in (pure.stem, *(folder.name for folder in pure.parents)):
        if keyword := _KEYWORD.search(part):
            return keyword[1].lower()
    return UNNAMED


def _is_data(path: str) -> bool:
    pure = PurePosixPath(path)
    hidden = any(part.startswith((".", "_")) for part in pure.parts)
    return pure.suffix.lower() in {*TABLES, *TEXTS} and pure.name not in _NOT_DATA and not hidden


def _by_config(path: str, config: Config) -> list[str]:
    return list(
        dict.fromkeys(split for split, pattern in config.patterns if fnmatchcase(path, pattern.removeprefix("./")))
    )


def _check_series(paths: Sequence[str], name: str) -> None:
    series: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        pure = PurePosixPath(path)
        if shard := _SHARD.fullmatch(pure.stem):
            series.setdefault((f"{pure.parent}/{shard['name']}", shard["total"]), set()).add(shard["number"])
    for (prefix, total), numbers in series.items():
        if len(numbers) < int(total):
            raise DatasetError(
                f"{name} is incomplete: {len(numbers)} of {int(total)} files {PurePosixPath(prefix).name}-*",
                hint="Fetch the dataset again, or copy the missing files.",
            )
