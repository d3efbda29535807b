"""Rows of a dataset, decoded and checked. Every error begins with `file:line:`, as compilers write it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.instance import Instance

COLUMNS_HINT: Final = (
    "A row is an object with at least the text columns repo, instance_id, base_commit and problem_statement."
)
NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not a JSON document of the expected shape."""

_REQUIRED: Final = frozenset({"repo", "instance_id", "base_commit", "problem_statement"})
_OTHER_NAMES: Final = {
    "image_name": "image",
    "docker_image": "image",
    "fail_to_pass": "FAIL_TO_PASS",
    "pass_to_pass": "PASS_TO_PASS",
}
"""Columns that other sets, such as SWE-rebench and SWE-smith, name differently."""

COLUMNS: Final = frozenset({field.encode_name for field in msgspec.structs.fields(Instance)}) | _OTHER_NAMES.keys()
"""Every column that is read."""

_PATCH_TAGS: Final = re.compile(r"\s*<patch>\n?(.*?)\n?</patch>\s*", re.DOTALL)
"""Around the patches of the sets that hold whole prompts, such as SWE-bench_oracle."""

_row = msgspec.json.Decoder(dict[str, object])
_test_names = msgspec.json.Decoder(list[str])

Row = tuple[int, bytes | Mapping[str, object]]
"""The number of a row, from 1, with its JSON text or its columns."""


def content_revision(data: bytes) -> str:
    """The revision of a dataset that has no commit: a hash of its content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def numbered_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The rows of JSON Lines, each with its line number; blank lines are skipped."""
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())


def instances(files: Iterable[tuple[str, Iterable[Row]]]) -> tuple[Instance, ...]:
    """The instances of the rows of all files. The name of each file is for errors.

    Raises `DatasetError` for no row at all, a row that is not an instance, and a repeated `instance_id`.
    """
    found: list[Instance] = []
    first_place: dict[str, str] = {}
    names: list[str] = []
    for name, rows in files:
        names.append(name)
        for line, row in rows:
            place = f"{name}:{line}"
            instance = _instance(_columns(row, place), place)
            first = first_place.setdefault(instance.instance_id, place)
            if first != place:
                raise DatasetError(
                    f"{place}: duplicate `instance_id` {instance.instance_id!r}, first at {first}",
                    hint="Remove one of the two rows.",
                )
            found.append(instance)
    if not found:
        raise DatasetError(f"{' and '.join(names[:3]) or 'the dataset'} holds no tasks", hint=COLUMNS_HINT)
    return tuple(found)


def _columns(row: bytes | Mapping[str, object], place: str) -> Mapping[str, object]:
    if not isinstance(row, bytes):
        return row
    try:
        return _row.decode(row)
    except NOT_JSON as error:
        raise DatasetError(f"{place}: {error}", hint=COLUMNS_HINT) from error


def _instance(columns: Mapping[str, object], place: str) -> Instance:
    named = {_OTHER_NAMES.get(name, name): value for name, value in columns.items() if name in COLUMNS}
    named |= {name: value for name, value in columns.items() if name in COLUMNS - _OTHER_NAMES.keys()}
    present = {name: value for name, value in named.items() if value is not None or name in _REQUIRED}
    if isinstance(patch := present.get("patch"), str) and (tagged := _PATCH_TAGS.fullmatch(patch)):
        present["patch"] = f"{tagged[1]}\n"
    try:
        instance = msgspec.convert(present, Instance)
    except msgspec.ValidationError as error:
        what = re.sub(r"^Object missing required field (`\w+`)$", r"\1 is missing", str(error))
        raise DatasetError(f"{place}: {what}", hint=COLUMNS_HINT) from error
    if not instance.instance_id:
        raise DatasetError(f"{place}: `instance_id` is empty", hint=COLUMNS_HINT)
    _check_test_names(instance.fail_to_pass, where=f"{place}: `FAIL_TO_PASS`")
    _check_test_names(instance.pass_to_pass, where=f"{place}: `PASS_TO_PASS`")
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
