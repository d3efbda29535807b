"""What the hub's cache holds, read from its documented layout: imports nothing, starts no process, sends nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from swebench_tui.bench.datasets.data_files import DEFAULT_SPLIT, choose_format, splits
from swebench_tui.bench.datasets.errors import DatasetError


class CachedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A copy in the cache: its commit, and the bytes of its data files."""

    revision: str
    size: int


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that all programs share, from the variables that `huggingface_hub` reads."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return Path(environ[name]).expanduser()
    home = environ.get("HF_HOME") or f"{environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def snapshot_folder(repo: str, commit: str) -> Path:
    """The files of a commit that are in the cache."""
    return _folder_of(repo) / "snapshots" / commit


def cached(repo: str, *, split: str = DEFAULT_SPLIT) -> CachedDataset | None:
    """The copy of a split: of the newest revision that is known, else of any. None: there is no whole one."""
    root = _folder_of(repo)
    try:
        commits = [path.name for path in sorted((root / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime)]
        main = root / "refs" / "main"
        newest = main.read_text("ascii").strip() if main.is_file() else ""
    except (OSError, ValueError):
        return None
    for commit in sorted(commits, key=lambda commit: commit != newest):
        size = _size(root / "snapshots" / commit, split)
        if size is not None:
            return CachedDataset(revision=commit, size=size)
    return None


def _folder_of(repo: str) -> Path:
    return cache_folder() / f"datasets--{repo.replace('/', '--')}"


def _size(snapshot: Path, split: str) -> int | None:
    """The bytes of the split's files; None where they are not whole."""
    try:
        files = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()]
        found = splits(files)
        if split not in found:
            return None
        return sum((snapshot / path).stat().st_size for path in choose_format(found[split], name=split, tables=True))
    except (DatasetError, OSError):
        return None
