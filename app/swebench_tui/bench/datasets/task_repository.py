"""The task repositories of SWE-bench's harness 5.x: a folder `tasks` with one folder for each task."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from swebench_tui.bench.datasets.data_files import choose_split
from swebench_tui.bench.datasets.dataset import Dataset
from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.regular_file import read_regular_file
from swebench_tui.bench.datasets.rows import NOT_JSON, Row, instances

_MAX_FILE: Final = 64 * 1024**2
_MAX_YAML: Final = 1024**2
_MAX_TASKS: Final = 50_000
_TEXTS: Final = {
    "problem_statement": "problem_statement.md",
    "hints_text": "hints.md",
    "patch": "gold.patch",
    "test_patch": "test.patch",
    "eval_script": "eval.sh",
}
"""File by column."""

DEPRECATED: Final = "deprecated"
"""The split of tasks that are not used any more."""


def is_one(folder: Path) -> bool:
    """Whether the folder, or its folder `tasks`, has tasks."""
    return bool(_task_folders(folder))


def load(folder: Path, *, name: str, split: str | None) -> Dataset:
    """The tasks of a split, by default `test`, in the order of their names. Blocks."""
    by_split: dict[str, list[tuple[str, dict[str, object]]]] = {}
    hashed: dict[str, bytes] = {}
    for task in _task_folders(folder):
        path = f"{task.name}/task.yaml"
        columns, content = _read_yaml(task / "task.yaml", path)
        by_split.setdefault(str(columns.get("split", "test")), []).append((task.name, columns))
        hashed[task.name] = content
    chosen = choose_split({key: [task for task, _ in tasks] for key, tasks in by_split.items()}, split, name=name)
    revision = hashlib.sha256()
    root = _root(folder)

    def rows() -> Iterator[tuple[str, list[Row]]]:
        for task, columns in by_split[chosen]:
            texts = {file: _optional(root / task / file) for file in (*_TEXTS.values(), "tests.json")}
            for file, content in {"task.yaml": hashed[task], **texts}.items():
                revision.update(f"{task}/{file}\0{hashlib.sha256(content or b'').hexdigest()}\n".encode())
            yield f"{task}/task.yaml", [(1, _row(task, columns, texts))]

    found = instances(rows())
    return Dataset(name=name, split=chosen, revision=f"sha256:{revision.hexdigest()}", instances=found)


def _root(folder: Path) -> Path:
    return folder / "tasks" if (folder / "tasks").is_dir() else folder


def _task_folders(folder: Path) -> list[Path]:
    root = _root(folder)
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))
    except OSError as error:
        raise DatasetError(f"{root} cannot be read: {error.strerror}", hint="Check its permissions.") from error
    if len(names) > _MAX_TASKS:
        raise DatasetError(f"{root} has more than {_MAX_TASKS:,} folders", hint="Name the folder of the tasks.")
    return [root / name for name in names if (root / name / "task.yaml").exists()]


def _read_yaml(file: Path, place: str) -> tuple[dict[str, object], bytes]:
    """All scalars as text: a version such as 3.10 is no number, and a date stays as it was written."""
    import yaml  # noqa: PLC0415 - only this layout needs it

    content = read_regular_file(file, limit=_MAX_YAML)
    try:
        document = yaml.load(content, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - builds text, lists and dictionaries alone
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(error, "problem", None) or str(error)
        raise DatasetError(f"{place}:{line}: not YAML: {what}", hint="Mend the file.") from error
    if not isinstance(document, dict) or _is_too_deep(document):
        raise DatasetError(f"{place}:1: not a YAML mapping", hint="A task.yaml has repo, instance_id and base_commit.")
    return {str(name): value for name, value in document.items()}, content


def _is_too_deep(document: object) -> bool:
    """Whether there is more in it than its text can hold: references to references grow beyond all bounds."""
    left, waiting = _MAX_YAML, [document]
    while waiting and left:
        left -= 1
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
    return bool(waiting)


def _optional(file: Path) -> bytes | None:
    return read_regular_file(file, limit=_MAX_FILE) if file.exists() else None


def _row(task: str, columns: dict[str, object], files: dict[str, bytes | None]) -> dict[str, object]:
    row = {"instance_id": task, **columns}
    for column, file in _TEXTS.items():
        content = files[file]
        if content is not None:
            row[column] = _decoded(content, f"{task}/{file}")
    tests = files["tests.json"]
    if tests is not None:
        row |= _tests(tests, f"{task}/tests.json")
    return row


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{place}:{line}: not UTF-8 text", hint="Mend the file.") from error


def _tests(content: bytes, place: str) -> dict[str, object]:
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except NOT_JSON as error:
        raise DatasetError(f"{place}:1: {error}", hint="It is an object with FAIL_TO_PASS and PASS_TO_PASS.") from error
