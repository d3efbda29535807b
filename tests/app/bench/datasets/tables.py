"""Files that the tests of datasets read: rows, and parquet and arrow files of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyarrow import parquet as pq


def columns(instance_id: str, **others: object) -> dict[str, object]:
    """A classic row with the columns that every row has."""
    required = {"repo": "a/a", "instance_id": instance_id, "base_commit": "c0ffee", "problem_statement": "It fails."}
    return {**required, **others}


def parquet(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The rows as a parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


def arrow(rows: Sequence[Mapping[str, object]], *, streaming: bool = True) -> bytes:
    """The rows as an arrow file: the streaming format, as `datasets` writes it, or the file format."""
    table = pa.Table.from_pylist(list(rows))
    file = io.BytesIO()
    with (pa.ipc.new_stream if streaming else pa.ipc.new_file)(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return file.getvalue()
