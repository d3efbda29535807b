"""Context mode for small repositories: all source files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEST_FOLDERS = {"test", "tests"}


def source_files(checkout: Path, max_bytes: int = 100_000) -> list[tuple[str, str]]:
    """The Python files that are not tests, as (POSIX path below `checkout`, text), sorted by path.

    Their total is at most `max_bytes` bytes: a file that does not fit is left out whole. Hidden files and folders,
    symbolic links, which may point anywhere, and files that are not UTF-8 are left out too. Line ends are kept. Blocks.
    Raises `OSError` for a file that cannot be read.
    """
    left = max_bytes
    sources: list[tuple[str, str]] = []
    for path, file in sorted((file.relative_to(checkout).as_posix(), file) for file in _python_files(checkout)):
        size = file.stat().st_size
        if size > left:
            continue
        try:
            sources.append((path, file.read_bytes().decode()))
        except UnicodeDecodeError:
            continue
        left -= size
    return sources


def _python_files(checkout: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(checkout):
        subfolders[:] = [name for name in subfolders if name not in _TEST_FOLDERS and not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            if name.endswith(".py") and not _is_test(name) and not name.startswith(".") and not file.is_symlink():
                yield file


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
