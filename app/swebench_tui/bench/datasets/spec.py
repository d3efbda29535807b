"""What a user writes for a dataset: `starter`, `lite`, `owner/name@revision:split`, or a path."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.known import KNOWN
from swebench_tui.bench.datasets.starter import STARTER

FILE_SUFFIXES: Final = frozenset({".json", ".jsonl", ".parquet", ".arrow"})
FORMS: Final = (
    f"Use `{STARTER}`, {', '.join(KNOWN)}, a dataset of the hub as owner/name, or a path: a .jsonl, .json, .parquet or"
    " .arrow file, or a folder (./folder)."
)

_HUB: Final = re.compile(r"(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[^@:\s]+))?(?::(?P<split>[\w.-]+))?")
_PATH_WITH_SPLIT: Final = re.compile(r"(?P<path>.+):(?P<split>[\w.-]+)", re.DOTALL)
_PATH_STARTS: Final = ("/", "./", "../", "~", ".", "..")


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed spec: `repo` names a dataset of the hub, `path` a file or folder; neither: the starter set."""

    name: str
    repo: str | None = None
    path: Path | None = None
    revision: str | None = None
    split: str | None = None


def parse(text: str, *, split: str | None = None, revision: str | None = None) -> Spec:
    """The spec that `text` is; `split` and `revision` have priority over those in it.

    A relative path without a known suffix needs `./` where it looks like a dataset of the hub, so that the meaning of a
    spec does not depend on the folder in which it is used. Raises `DatasetError` for anything else.
    """
    local = _local(text)
    if local is not None:
        if revision is not None:
            raise DatasetError(f"{text} is on this machine and has no revisions", hint="Leave the revision out.")
        return msgspec.structs.replace(local, split=split or local.split)
    match = _HUB.fullmatch(text)
    name = match["name"] if match else ""
    if match is None or not (name == STARTER or name in KNOWN or "/" in name):
        near = get_close_matches(text.lower(), [STARTER, *KNOWN], n=1)
        hint = f"Did you mean {near[0]}? {FORMS}" if near else FORMS
        raise DatasetError(f"unknown dataset {text!r}", hint=hint)
    revision, split = revision or match["revision"], split or match["split"]
    if name == STARTER:
        if revision is not None or split is not None:
            raise DatasetError(f"{STARTER} has neither revisions nor splits", hint=f"Write `{STARTER}` alone.")
        return Spec(name=STARTER)
    return Spec(name=name, repo=KNOWN[name].repo if name in KNOWN else name, revision=revision, split=split)


def _local(text: str) -> Spec | None:
    for path_text, split in _with_and_without_split(text):
        named = path_text.startswith(_PATH_STARTS) or path_text.lower().endswith(tuple(FILE_SUFFIXES))
        single = "/" not in path_text and path_text not in KNOWN and path_text != STARTER
        if named or (single and _is_folder(path_text)):
            path = _expanded(path_text)
            if split is None and not _exists(path) and _PATH_WITH_SPLIT.fullmatch(text):
                continue
            return Spec(name=path_text, path=path, split=split)
    return None


def _with_and_without_split(text: str) -> list[tuple[str, str | None]]:
    match = _PATH_WITH_SPLIT.fullmatch(text)
    return [(text, None), *([(match["path"], match["split"])] if match else [])]


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # a ~user without home
        raise DatasetError(f"{text} cannot be read: {error}", hint="Check the path.") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _is_folder(text: str) -> bool:
    try:
        return bool(text) and Path(text).is_dir()
    except (OSError, ValueError):
        return False
