"""Checks a predictions file against the rules of the harness and sb-cli."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.predictions.breach import Breach, Rule
from swebench_tui.bench.predictions.errors import PredictionsError
from swebench_tui.bench.predictions.reader import Row, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

MOST_BREACHES: Final = 1000
"""Breaches that a report lists; the others are counted."""

_LONGEST_NAME: Final = 200  # bytes; the harness adds the run id and .json, and a file name has at most 255
_LONGEST_SHOWN: Final = 80  # characters of a name in a message
_KEYS: Final = ("instance_id", "model_name_or_path", "model_patch")
_DIFF: Final = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `check_predictions`. `errors` and `warnings` count all breaches, `breaches` lists the first."""

    predictions: int
    empty: int
    models: tuple[str, ...]
    errors: int
    warnings: int
    breaches: tuple[Breach, ...]


def check_predictions(
    path: Path, *, instance_ids: Collection[str] | None = None, progress: Callable[[int], None] = lambda _: None
) -> CheckReport:
    """Check the file at `path`, and its ids against those of a dataset where they are given. Blocks.

    `progress` gets the number of records so far. Raises `PredictionsError` for a file that cannot be read.
    """
    check = _Check(instance_ids)
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise PredictionsError(f"{path} {what}", hint="Name the .jsonl or .json file with the predictions.")
    if path.suffix not in {".json", ".jsonl"}:
        check.add(Breach(rule=Rule.SUFFIX, message=f"the name ends with {path.suffix or 'no suffix'!r}"))
    try:
        for row in rows(path):
            check.row(row)
            progress(check.records)
    except OSError as error:
        raise PredictionsError(f"{path} cannot be read: {error.strerror}", hint="Make it readable.") from error
    return check.report()


class _Check:
    def __init__(self, instance_ids: Collection[str] | None) -> None:
        self.records = 0
        self._known = None if instance_ids is None else set(instance_ids)
        self._lines: dict[str, int] = {}
        self._models: dict[str, int] = {}
        self._empty = 0
        self._counts: Counter[str] = Counter()
        self._breaches: list[Breach] = []

    def add(self, breach: Breach) -> None:
        self._counts[breach.rule.severity] += 1
        if len(self._breaches) < MOST_BREACHES:
            self._breaches.append(breach)

    def row(self, row: Row | Breach) -> None:
        if isinstance(row, Breach):
            self.add(row)
            return
        self.records += 1
        for rule, message in self._of_record(row):
            self.add(Breach(rule=rule, message=message, line=row.line))

    def report(self) -> CheckReport:
        if not self.records:
            self.add(Breach(rule=Rule.NO_PREDICTIONS, message="the file has no predictions"))
        missing = [] if self._known is None else sorted(self._known - self._lines.keys())
        if missing and self.records:
            count = "1 task has" if len(missing) == 1 else f"{len(missing)} tasks have"
            self.add(Breach(rule=Rule.MISSING_IDS, message=f"{count} no prediction: {_some(missing)}"))
        return CheckReport(
            predictions=self.records,
            empty=self._empty,
            models=tuple(self._models),
            errors=self._counts["error"],
            warnings=self._counts["warning"],
            breaches=tuple(self._breaches),
        )

    def _of_record(self, row: Row) -> Iterator[tuple[Rule, str]]:
        record = row.value
        if not isinstance(record, dict):
            yield Rule.NOT_AN_OBJECT, f"a record that is {_kind(record)}"
            return
        for name in row.repeated:
            yield Rule.REPEATED_KEY, f"the key {_shown(name)} twice"
        for name in _KEYS:
            if name not in record:
                yield Rule.MISSING_KEY, f"`{name}` is missing"
            elif not isinstance(record[name], str) and not (name == "model_patch" and record[name] is None):
                yield Rule.WRONG_TYPE, f"`{name}` is {_kind(record[name])}"
        yield from self._of_id(record.get("instance_id"), row)
        yield from self._of_model(record.get("model_name_or_path"), row.line)
        if "model_patch" in record:
            yield from self._of_patch(record["model_patch"])

    def _of_id(self, instance_id: object, row: Row) -> Iterator[tuple[Rule, str]]:
        if not isinstance(instance_id, str):
            return
        if row.key is not None and row.key != instance_id:
            yield Rule.ID_AND_KEY_DIFFER, f"{_shown(instance_id)} under the key {_shown(row.key)}"
        if not instance_id.strip():
            yield Rule.WRONG_TYPE, "`instance_id` is blank"
        if instance_id in self._lines:
            first = self._lines[instance_id]
            rule = Rule.REPEATED_KEY if row.key == instance_id else Rule.DUPLICATE_ID
            yield rule, f"a second record for {_shown(instance_id)}, the first is on line {first}"
        self._lines.setdefault(instance_id, row.line)
        if self._known is not None and instance_id not in self._known:
            yield Rule.UNKNOWN_ID, f"the dataset has no {_shown(instance_id)}"

    def _of_model(self, model: object, line: int) -> Iterator[tuple[Rule, str]]:
        if not isinstance(model, str):
            return
        if model not in self._models and len(self._models) < MOST_BREACHES:
            if self._models:
                first, first_line = next(iter(self._models.items()))
                yield Rule.TWO_MODELS, f"a second model, {_shown(model)}; {_shown(first)} is on line {first_line}"
            self._models[model] = line
            folder = model.replace("/", "__")
            if not folder.strip() or folder in {".", ".."} or "\0" in folder or _size(folder) > _LONGEST_NAME:
                yield Rule.MODEL_NAME, f"{_shown(model)} cannot name a folder"

    def _of_patch(self, patch: object) -> Iterator[tuple[Rule, str]]:
        if patch is None:
            yield Rule.NULL_PATCH, "`model_patch` is null"
        if not isinstance(patch, str) or not patch:
            self._empty += not patch
            return
        if not patch.strip():
            yield Rule.BLANK_PATCH, "`model_patch` is white space"
            return
        try:
            patch.encode()
        except UnicodeEncodeError:
            yield Rule.LONE_SURROGATE, "`model_patch` has half of a surrogate pair"
        if not _DIFF.search(patch):
            yield Rule.NOT_A_DIFF, "`model_patch` has no file header of a diff"
        elif not patch.endswith("\n"):
            yield Rule.NO_FINAL_NEWLINE, "`model_patch` ends in the middle of a line"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…")


def _size(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (" ..." if len(ids) > 3 else "")
