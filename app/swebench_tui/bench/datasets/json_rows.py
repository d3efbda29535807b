"""Rows of a JSON document: a list of rows, or an object that holds the list as `rows` or `data`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.rows import NOT_JSON


class _Document(msgspec.Struct):
    rows: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None


_document = msgspec.json.Decoder(list[msgspec.Raw] | _Document)


def elements(name: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The rows of a JSON document, each with the number of its first line."""
    line, end = 1, 0
    for row in map(bytes, _rows_of_document(name, data)):
        begins = data.index(row, end)
        line += data.count(b"\n", end, begins)
        yield line, row
        line += row.count(b"\n")
        end = begins + len(row)


def _rows_of_document(name: str, data: bytes) -> list[msgspec.Raw]:
    hint = (
        "A .json file holds a list of rows, or an object with that list as `rows` or `data`; one row a line is .jsonl."
    )
    try:
        document = _document.decode(data)
    except NOT_JSON as error:
        raise DatasetError(f"{name}:{_line_of(error, data)}: {error}", hint=hint) from error
    rows = document if isinstance(document, list) else document.data if document.rows is None else document.rows
    if rows is None:
        raise DatasetError(f"{name}:1: neither a list nor an object with `rows` or `data`", hint=hint)
    return rows


def _line_of(error: Exception, data: bytes) -> int:
    """The line of the byte that msgspec's message names; the last line for a document that ends too early."""
    offset = re.search(r"\(byte (\d+)\)$", str(error))
    return data.count(b"\n", 0, int(offset[1]) if offset else len(data)) + 1
