"""Selections: which tasks of a dataset. One order of filters for commands, screens and the library."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.regular_file import read_regular_file
from swebench_tui.bench.instance import Instance

_MAX_IDS_FILE: Final = 16 * 1024**2
_SHOWN: Final = 12
"""Names that an error lists at most."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks of a dataset. The fields apply in the order they have here, each to what the ones before it left.

    `ids` are instance ids; those of an earlier run's failures are one such list. `pattern` is a regular expression,
    searched for in the id. `repos` are `owner/name`, or `name` alone. `start` and `stop` are a Python slice. `sample`
    tasks are drawn by a hash of `seed` and id: the same on every machine, and a larger sample has all of a smaller one.
    `count` takes the first ones. The tasks that are left stay in the order of the dataset.
    """

    ids: tuple[str, ...] = ()
    pattern: str | None = None
    repos: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    start: int | None = None
    stop: int | None = None
    sample: int | None = None
    seed: int = 0
    count: int | None = None

    @property
    def selects_all(self) -> bool:
        """Whether no filter is set."""
        return msgspec.structs.replace(self, seed=0) == Selection()


def select(instances: Sequence[Instance], selection: Selection) -> list[Instance]:
    """The tasks that the selection leaves.

    Raises `DatasetError` for an id, repository, version or difficulty that no task has, for an invalid `pattern`,
    and where nothing is left: then it says how many tasks each filter left.
    """
    left, steps = list(instances), [f"{len(instances)} in the dataset"]
    for name, narrow in _filters(instances, selection):
        left = narrow(left)
        steps.append(f"{len(left)} after {name}")
    if not left:
        raise DatasetError(f"the selection leaves no task: {', '.join(steps)}", hint="Drop or widen a filter.")
    return left


def find(instances: Sequence[Instance], instance_id: str) -> Instance:
    """The instance with this id. Raises `DatasetError` naming the most similar ids."""
    (instance,) = select(instances, Selection(ids=(instance_id,)))
    return instance


def read_ids(path: Path) -> tuple[str, ...]:
    """The ids of a file: one a line; blank lines and comments, which begin with `#`, are skipped.

    Raises `DatasetError` for a file that cannot be read or has no id.
    """
    try:
        text = read_regular_file(path, limit=_MAX_IDS_FILE).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text", hint="Name a text file with one instance id a line.") from error
    ids = tuple(dict.fromkeys(filter(None, (line.partition("#")[0].strip() for line in text.split("\n")))))
    if not ids:
        raise DatasetError(f"{path} has no instance id", hint="Write one id a line.")
    return ids


def parse_slice(text: str) -> tuple[int | None, int | None]:
    """`10:20`, `10:` or `:20` as start and stop; negative numbers count from the end. Raises `ValueError`."""
    match = re.fullmatch(r"\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*", text, re.ASCII)
    if match is None or match.groups() == (None, None):
        raise ValueError(f"{text!r} is not a slice such as 10:20, 10: or :20")
    start, stop = (int(part) if part else None for part in match.groups())
    return start, stop


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern. Raises `DatasetError` where it is no regular expression."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise DatasetError(
            f"{pattern!r} is not a regular expression: {error}", hint="Escape special characters with \\."
        ) from error


Filter = tuple[str, Callable[[list[Instance]], list[Instance]]]
"""Its name in an error, and what it does."""


def _filters(instances: Sequence[Instance], selection: Selection) -> Iterator[Filter]:
    if selection.ids:
        ids = _existing("task", selection.ids, [instance.instance_id for instance in instances])
        yield "ids", lambda tasks: [task for task in tasks if task.instance_id in ids]
    if selection.pattern is not None:
        pattern = compile_pattern(selection.pattern)
        yield "pattern", lambda tasks: [task for task in tasks if pattern.search(task.instance_id)]
    if selection.repos:
        repos = {repo for name in selection.repos for repo in _repos(instances, name)}
        yield "repository", lambda tasks: [task for task in tasks if task.repo in repos]
    if selection.versions:
        versions = _existing("version", selection.versions, [instance.version for instance in instances])
        yield "version", lambda tasks: [task for task in tasks if task.version in versions]
    if selection.difficulties:
        difficulties = _existing("difficulty", selection.difficulties, [task.difficulty for task in instances])
        yield "difficulty", lambda tasks: [task for task in tasks if task.difficulty in difficulties]
    if selection.start is not None or selection.stop is not None:
        yield "slice", lambda tasks: tasks[selection.start : selection.stop]
    if selection.sample is not None:
        yield "sample", lambda tasks: _sample(tasks, selection.sample or 0, selection.seed)
    if selection.count is not None:
        yield "count", lambda tasks: tasks[: max(selection.count or 0, 0)]


def _repos(instances: Sequence[Instance], name: str) -> Collection[str]:
    if "/" in name:
        return _existing("repository", [name], [instance.repo for instance in instances])
    same = {instance.repo for instance in instances if instance.repo.rpartition("/")[2] == name}
    return same or _existing("repository", [name], [instance.repo for instance in instances])


def _existing(what: str, names: Iterable[str], existing: Iterable[str]) -> set[str]:
    """The names as a set, once each of them was found among the existing ones."""
    known = [name for name in dict.fromkeys(existing) if name]
    missing = [name for name in dict.fromkeys(names) if name not in set(known)]
    if missing:
        shown = ", ".join(map(repr, missing[:_SHOWN])) + (
            f" and {len(missing) - _SHOWN} more" * (len(missing) > _SHOWN)
        )
        raise DatasetError(f"the dataset has no {what} {shown}", hint=_suggestion(what, missing[0], known))
    return set(names)


def _suggestion(what: str, missing: str, known: Sequence[str]) -> str:
    if not known:
        return f"No task of the dataset names its {what}."
    near = get_close_matches(missing, known, n=3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"It has: {', '.join(known)}." if len(known) <= _SHOWN else f"It has {len(known)}, such as {known[0]}."


def _sample(tasks: list[Instance], size: int, seed: int) -> list[Instance]:
    """Not `random`, whose choice may differ between versions of Python and changes with every task that is added."""
    drawn = {id(task) for task in sorted(tasks, key=lambda task: _draw(task.instance_id, seed))[: max(size, 0)]}
    return [task for task in tasks if id(task) in drawn]


def _draw(instance_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{instance_id}".encode(errors="surrogatepass")).digest()
