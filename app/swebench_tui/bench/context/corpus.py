"""Which files of a repository a search covers, and their text.

These are the source files in the repository's main language, tests left out. Tests, and then any text file, are taken
only where a repository has nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.context.languages import LANGUAGES, PYTHON, language_of
from swebench_tui.bench.repositories.snapshot import MAX_FILE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from swebench_tui.bench.repositories.snapshot import Tree

MAX_FILE_BYTES: Final = 1_500_000
MAX_FILES: Final = 50_000
MAX_TOTAL_BYTES: Final = 250_000_000

_TEXT_EXTENSIONS: Final = frozenset({"md", "rst", "txt", "toml", "cfg", "ini", "yaml", "yml", "json", "html", "css"})
_TESTS: Final = frozenset({"test", "tests", "testing"})
_OTHER_TESTS: Final = _TESTS | {"spec", "specs", "testdata", "fixtures"}
_PARTS: Final = re.compile(r"[ _/.]")
_OTHER_PARTS: Final = re.compile(r"[ _/.-]|(?<=[a-z0-9])(?=[A-Z])")
_LESSER_FOLDERS: Final = frozenset(
    [
        "doc",
        "docs",
        "example",
        "examples",
        "benchmark",
        "benchmarks",
        "asv_bench",
        "bin",
        "tool",
        "tools",
        "script",
        "scripts",
        "doc-src",
        "release",
        "galleries",
        "tutorial",
        "tutorials",
        ".github",
        "ci",
    ]
)
_LESSER_NAMES: Final = frozenset({"setup.py", "conf.py", "conftest.py", "versioneer.py", "noxfile.py"})
_VENDORED: Final = frozenset(
    ("cextern", "extern", "external", "externals", "node_modules", "third-party", "third_party", "thirdparty", "vendor")
)
"""Folders of other projects' code: searched, but no sign of what the repository is written in."""
_GENERATED: Final = frozenset(("build", "dist", "generated", "target"))
_UNFIT: Final = re.compile(r'["<>\\]')


def is_test(path: str) -> bool:
    """Whether a file looks like a test: a part of its path is `test`, `tests` or `testing`.

    For Python this is the rule of the SWE-bench paper. Other languages have more names for tests.
    """
    if language_of(path) in {PYTHON, None}:
        return not _TESTS.isdisjoint(_PARTS.split(path))
    return not _OTHER_TESTS.isdisjoint(part.lower() for part in _OTHER_PARTS.split(path))


def is_test_source(path: str) -> bool:
    """Whether a file is source code that is left out as a test."""
    return language_of(path) is not None and is_test(path)


def is_lesser(path: str) -> bool:
    """Whether a file is about the project rather than of it: docs, benchmarks, scripts.

    Of Python that is also what lies at the top, where other languages have their sources; of those it is also code that
    was generated or taken from other projects.
    """
    *folders, name = path.split("/")
    if not _LESSER_FOLDERS.isdisjoint(folders):
        return True
    if language_of(path) == PYTHON:
        return not folders or name in _LESSER_NAMES
    return not _VENDORED.isdisjoint(folders) or not _GENERATED.isdisjoint(folders)


def fits(path: str) -> bool:
    """Whether a path can stand in a prompt's marker: one line, printable, no quotes or angle brackets."""
    return path.isprintable() and not _UNFIT.search(path)


def source_paths(files: Iterable[str], *, all_languages: bool = False) -> list[str]:
    """The paths among `files` that a search covers, sorted; `all_languages`: not of the main language alone."""
    paths = sorted(path for path in files if fits(path))
    sources = [path for path in paths if language_of(path) is not None]
    candidates = [path for path in sources if not is_test(path)] or sources
    if not candidates:
        return [path for path in paths if path.rpartition(".")[2].lower() in _TEXT_EXTENSIONS]
    if all_languages:
        return candidates
    own = [path for path in candidates if _VENDORED.isdisjoint(path.split("/"))] or candidates
    counts = Counter(language_of(path) for path in own)
    main = max(LANGUAGES, key=lambda language: counts[language])  # the first of equals: Python before others
    return [path for path in candidates if language_of(path) == main]


def read_source(tree: Tree, path: str) -> tuple[str | None, str]:
    """The text of a file with LF line ends, or None and the reason why it cannot be part of a prompt."""
    try:
        data = tree.read(path)
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    if data is None:
        return None, f"not a regular file, or over {MAX_FILE_SIZE:,} bytes"
    if len(data) > MAX_FILE_BYTES:
        return None, f"too large: {len(data):,} bytes"
    if b"\0" in data:
        return None, "not text"
    return decode(data), ""


def decode(data: bytes) -> str:
    """Bytes to text with LF line ends: UTF-8, else Latin-1, in which every byte is a character."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def lines_in(text: str) -> Sequence[str]:
    """The lines of a text with LF line ends, without them."""
    return text.removesuffix("\n").split("\n") if text else []
