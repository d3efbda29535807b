"""File names made of model names, which are text of users and servers."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_LONGEST: Final = 100  # bytes; the suffixes of locks and answers, and a folder's own limits, need room
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._@=+,-]")
_RESERVED: Final = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def file_stem(model: str) -> str:
    """The name of a model's files: `/` becomes `__`, as in the paths of the harness.

    Where anything else has to change, an eighth of the name's SHA-256 keeps the files of two models apart.
    """
    usual = model.replace("/", "__").replace(":", "_")
    stem = _UNSAFE.sub("_", usual)[:_LONGEST].lstrip(".-") or "model"
    if stem == usual and not _RESERVED.fullmatch(stem):
        return stem
    return f"{stem}-{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
