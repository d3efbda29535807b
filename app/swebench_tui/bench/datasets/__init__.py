"""Tasks from the bundled starter set or from a local file, and one of them by its id.

What is read: JSON Lines (.jsonl, one row a line) and JSON (.json: a list of rows, or an object that holds the list as
`rows` or `data`). Every complaint begins with `file:line:`, as compilers write it.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STARTER = "starter"
_BOM = b"\xef\xbb\xbf"
_COLUMNS_HINT = (
    "A row is an object with at least the text columns repo, instance_id, base_commit and problem_statement."
)
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class DatasetError(Exception):
    """Tasks that cannot be had. `str(error)` says what is wrong and where, `hint` what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class _Document(msgspec.Struct):
    rows: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None


_document = msgspec.json.Decoder(list[msgspec.Raw] | _Document)
_instance = msgspec.json.Decoder(Instance)
_test_names = msgspec.json.Decoder(list[str])


def load(spec: str) -> list[Instance]:
    """The tasks of `starter`, or of the .json or .jsonl file at the path `spec`, in the order of the file.

    Blank lines and unknown columns are passed over. Raises `DatasetError` for a spec of any other kind, a file that
    cannot be read or holds no task, a row that is no task, and an `instance_id` that comes twice.
    """
    if spec == STARTER:
        tasks = files("swebench_tui.bench") / "starter" / "tasks.jsonl"
        return _instances(tasks.name, _lines(tasks.read_bytes()))
    suffix = Path(spec).suffix.lower()
    if suffix not in {".json", ".jsonl"}:
        raise DatasetError(
            f"{spec!r} is not a dataset that this program reads",
            hint=f"It reads `{STARTER}`, the bundled tasks, and local .jsonl and .json files with SWE-bench's columns.",
        )
    name, data = _read(spec)
    return _instances(name, _lines(data) if suffix == ".jsonl" else _elements(name, data))


def find(instances: Sequence[Instance], instance_id: str) -> Instance:
    """The task with this id; raises `DatasetError`, which names the most similar ids."""
    by_id = {instance.instance_id: instance for instance in instances}
    if instance_id in by_id:
        return by_id[instance_id]
    near = get_close_matches(instance_id, by_id, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Its ids look like {next(iter(by_id), '(it has none)')}."
    raise DatasetError(f"the dataset has no task {instance_id!r}", hint=hint)


def _read(spec: str) -> tuple[str, bytes]:
    try:
        path = Path(spec).expanduser()
        return path.name, path.read_bytes().removeprefix(_BOM)
    except (OSError, ValueError, RuntimeError) as error:  # besides the disk's: a NUL in the path, a ~user without home
        raise DatasetError(
            f"the dataset cannot be read: {error}", hint="Check the path and its permissions."
        ) from error


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The rows of JSON Lines, each with the number of its line."""
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())


def _elements(name: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The rows of a JSON document, each with the number of the line it begins on."""
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
    except _NOT_JSON as error:
        raise DatasetError(f"{name}:{_line_of(error, data)}: {error}", hint=hint) from error
    rows = document if isinstance(document, list) else document.data if document.rows is None else document.rows
    if rows is None:
        raise DatasetError(f"{name}:1: neither a list nor an object with `rows` or `data`", hint=hint)
    return rows


def _line_of(error: Exception, data: bytes) -> int:
    """The line of the byte that msgspec's message names; where it names none, the text ended too early."""
    named = re.search(r"\(byte (\d+)\)$", str(error))
    return data.count(b"\n", 0, int(named[1]) if named else len(data)) + 1


def _instances(name: str, rows: Iterable[tuple[int, bytes]]) -> list[Instance]:
    instances: list[Instance] = []
    line_of: dict[str, int] = {}
    for line, row in rows:
        instance = _task(row, where=f"{name}:{line}")
        first = line_of.setdefault(instance.instance_id, line)
        if len(line_of) == len(instances):
            twice = f"{name}:{line}: `instance_id` {instance.instance_id!r} is the one of line {first} again"
            raise DatasetError(twice, hint="Remove one of the two rows.")
        instances.append(instance)
    if not instances:
        raise DatasetError(f"{name} holds no task", hint=_COLUMNS_HINT)
    return instances


def _task(row: bytes, where: str) -> Instance:
    try:
        instance = _instance.decode(row)
    except _NOT_JSON as error:
        what = re.sub(r"^Object missing required field (`\w+`)$", r"\1 is missing", str(error))
        raise DatasetError(f"{where}: {what}", hint=_COLUMNS_HINT) from error
    if not instance.instance_id:
        raise DatasetError(f"{where}: `instance_id` is empty", hint=_COLUMNS_HINT)
    _check_names(instance.fail_to_pass, where=f"{where}: `FAIL_TO_PASS`")
    _check_names(instance.pass_to_pass, where=f"{where}: `PASS_TO_PASS`")
    return instance


def _check_names(column: str | list[str], where: str) -> None:
    if isinstance(column, list):
        return
    try:
        _test_names.decode(column)
    except _NOT_JSON as error:
        raise DatasetError(
            f"{where} is not a list of test names: {error}",
            hint='It is a list, or its JSON text: ["tests/test_a.py::test_b"].',
        ) from error
