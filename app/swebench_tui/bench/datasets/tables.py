"""Rows of parquet and arrow files. pyarrow is imported here alone, and when a file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.datasets.data_files import INSTALL_PYARROW
from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.regular_file import MAX_BYTES
from swebench_tui.bench.datasets.rows import COLUMNS, Row

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE: Final = 256
_MAX_ROWS: Final = 1_000_000


def rows(path: Path, *, name: str, limit: int = MAX_BYTES) -> Iterator[Row]:
    """The rows of a .parquet or .arrow file, numbered from 1, with the columns that are read and no others.

    Raises `DatasetError` where pyarrow is missing, the file is damaged, or its text is larger than `limit` bytes.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise DatasetError(f"{name} needs pyarrow", hint=f"Run {INSTALL_PYARROW}") from error
    number = size = 0
    try:
        for batch in _parquet(path) if path.suffix.lower() == ".parquet" else _arrow(path):
            size += batch.nbytes
            if size > limit or number > _MAX_ROWS:
                raise DatasetError(f"{name} is too large", hint="Split it: 1,000,000 rows and 2 GB are read at most.")
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _plain(value) for name, value in row.items()}
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        reason = str(error).partition("\n")[0]
        raise DatasetError(
            f"{name}:{number + 1}: not readable: {reason}", hint="The file is damaged or of another format."
        ) from error


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet  # noqa: PLC0415

    with parquet.ParquetFile(path) as file:
        wanted = [name for name in file.schema_arrow.names if name in COLUMNS]
        yield from file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted)


def _arrow(path: Path) -> Iterator[pa.RecordBatch]:
    """`datasets` writes the streaming format; other programs the file format, which begins with ARROW1."""
    from pyarrow import ipc, memory_map  # noqa: PLC0415

    with path.open("rb") as start:
        of_files = start.read(6) == b"ARROW1"
    with memory_map(str(path)) as source:
        if of_files:
            reader = ipc.open_file(source)
            batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            batches = iter(ipc.open_stream(source))
        for batch in batches:
            wanted = batch.select([name for name in batch.schema.names if name in COLUMNS])
            for start_row in range(0, wanted.num_rows, _ROWS_AT_ONCE):
                yield wanted.slice(start_row, _ROWS_AT_ONCE)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return value
