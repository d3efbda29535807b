"""Rows of a dataset, decoded and checked. Every error begins with `file:line:`, as compilers write it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS_HINT: Final = (
    "A row is an object with at least the text columns repo, instance_id, base_commit and problem_statement."
)
NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not a JSON document of the expected shape."""

_instance = msgspec.json.Decoder(Instance)
_test_names = msgspec.json.Decoder(list[str])


def content_revision(data: bytes) -> str:
    """The revision of a dataset that has no commit: a hash of its content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def numbered_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The rows of JSON Lines, each with its line number; blank lines are skipped."""
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())


def instances(name: str, rows: Iterable[tuple[int, bytes]]) -> tuple[Instance, ...]:
    """The instances of `rows`, which are pairs of line number and JSON text. `name` is the file's, for errors.

    Raises `DatasetError` for no row at all, a row that is not an instance, and a repeated `instance_id`.
    """
    found: list[Instance] = []
    line_of: dict[str, int] = {}
    for line, row in rows:
        instance = _decode(row, where=f"{name}:{line}")
        first = line_of.setdefault(instance.instance_id, line)
        if len(line_of) == len(found):
            duplicate = f"{name}:{line}: duplicate `instance_id` {instance.instance_id!r}, first on line {first}"
            raise DatasetError(duplicate, hint="Remove one of the two rows.")
        found.append(instance)
    if not found:
        raise DatasetError(f"{name} holds no tasks", hint=COLUMNS_HINT)
    return tuple(found)


def _decode(row: bytes, where: str) -> Instance:
    try:
        instance = _instance.decode(row)
    except NOT_JSON as error:
        what = re.sub(r"^Object missing required field (`\w+`)$", r"\1 is missing", str(error))
        raise DatasetError(f"{where}: {what}", hint=COLUMNS_HINT) from error
    if not instance.instance_id:
        raise DatasetError(f"{where}: `instance_id` is empty", hint=COLUMNS_HINT)
    _check_test_names(instance.fail_to_pass, where=f"{where}: `FAIL_TO_PASS`")
    _check_test_names(instance.pass_to_pass, where=f"{where}: `PASS_TO_PASS`")
    return instance


def _check_test_names(column: str | list[str], where: str) -> None:
    if isinstance(column, list):
        return
    try:
        _test_names.decode(column)
    except NOT_JSON as error:
        raise DatasetError(
            f"{where} is not a list of test names: {error}",
            hint='Use a list or its JSON text: ["tests/test_a.py::test_b"].',
        ) from error
