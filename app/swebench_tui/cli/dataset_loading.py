"""Loading of datasets in commands: progress of a download on the terminal, notices on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from swebench_tui.bench import datasets
from swebench_tui.bench.datasets import Dataset, Progress, ProgressCallback
from swebench_tui.terminal_text import one_line

_SECONDS_BETWEEN: Final = 0.1
_WIDTH: Final = 30
_CLEAR: Final = "\r\x1b[K"


def load_dataset(spec: str, *, split: str | None = None) -> Dataset:
    """The dataset. Raises `DatasetError`; ctrl+c stops a download."""
    with download_progress() as progress:
        dataset = datasets.load(spec, split=split, progress=progress)
    if dataset.notice is not None:
        click.echo(f"Note: {one_line(dataset.notice)}", err=True)
    return dataset


@contextmanager
def download_progress() -> Iterator[ProgressCallback | None]:
    """Draws one line on a terminal and removes it at the end; None where standard error is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    drawn_at = 0.0

    def draw(progress: Progress) -> None:
        nonlocal drawn_at
        now = time.monotonic()
        if now - drawn_at >= _SECONDS_BETWEEN or progress.done == progress.total or progress.waiting:
            drawn_at = now
            columns = shutil.get_terminal_size().columns
            click.echo(f"{_CLEAR}{cut(progress_line(progress), columns - 1)}", err=True, nl=False)

    try:
        yield draw
    finally:
        if drawn_at:
            click.echo(_CLEAR, err=True, nl=False)


def progress_line(progress: Progress) -> str:
    """`━━━━╌╌╌╌  12.0 of 40.0 MB  test-00000-of-00001.parquet`."""
    done, name = progress.done / 1e6, one_line(progress.file.rpartition("/")[2])[:40]
    if progress.waiting:
        return f"{done:.1f} MB  no answer, trying again …"
    if not progress.file:
        return "asking the hub …"
    if not progress.total:
        return f"{done:.1f} MB  {name}"
    filled = min(_WIDTH * progress.done // progress.total, _WIDTH)
    return f"{'━' * filled}{'╌' * (_WIDTH - filled)}  {done:.1f} of {progress.total / 1e6:.1f} MB  {name}"


def cut(line: str, width: int) -> str:
    """The line in so many columns; many letters of other scripts take two."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - only a terminal needs it

    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1)}…"
