"""Full-text index of the source files of one commit: one SQLite file per repository and commit, with FTS5.

The index holds no text, only which terms stand where: about half the size of the source. It is made beside its place
and renamed, so that neither a killed process nor two at once leave a torn one. Blocks; a connection belongs to its
thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.context import corpus
from swebench_tui.bench.context.errors import ContextError, Stop, check, never
from swebench_tui.bench.context.languages import language_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from swebench_tui.bench.context.query import Query
    from swebench_tui.bench.repositories.snapshot import Tree

SCHEMA: Final = 2
"""Part of every file's name. Raise it with every change of what is indexed."""

MAX_FOLDER_BYTES: Final = 2_000_000_000
"""Of the folder of indexes; the longest unused go first."""

_ABANDONED: Final = 3600.0  # seconds after which a file that was never finished is deleted
_MOST_SKIPPED: Final = 20
_MOST_DEFINING: Final = 2_000  # files; a name that more define says nothing
_TERMS_AT_ONCE: Final = 200
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

# `content=''` keeps no text. With `detail=column` or `detail=none` beside it, bm25() is 0 for every row, without error.
_TABLES: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -32000;
    CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT NOT NULL);
    CREATE TABLE skipped (path TEXT NOT NULL, reason TEXT NOT NULL);
    CREATE TABLE definition (name TEXT NOT NULL, file INTEGER NOT NULL, weight REAL NOT NULL);
    CREATE VIRTUAL TABLE body USING fts5 (path, text, content='', tokenize='unicode61');
"""
_INDEXES: Final = """
    CREATE INDEX definition_by_name ON definition (name, file, weight);
"""


class SearchIndex:
    """An index to ask. Use it in the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.paths: Sequence[str] = [path for (path,) in connection.execute("SELECT path FROM file ORDER BY id")]
        self.skipped: Sequence[tuple[str, str]] = connection.execute("SELECT path, reason FROM skipped").fetchall()

    def text_scores(self, query: Query) -> Mapping[str, float]:
        """BM25 of the files for the query's weighted terms."""
        scores = weighted_bm25(self._connection, "body", "5.0, 1.0", query)
        return {self.paths[row]: score for row, score in scores.items()}

    def definition_scores(self, query: Query) -> tuple[Mapping[str, float], frozenset[str]]:
        """The files that define what the query names, and the names that at most three files define."""
        scores: dict[str, float] = {}
        rare: set[str] = set()
        statement = "SELECT file, weight FROM definition WHERE name = ? LIMIT ?"
        for name, weight in query.identifiers.items():
            rows = self._connection.execute(statement, (name, _MOST_DEFINING + 1)).fetchall()
            for file, kind in rows if len(rows) <= _MOST_DEFINING else ():
                path = self.paths[file]
                scores[path] = scores.get(path, 0.0) + weight * kind / len(rows) ** 0.5
            if 0 < len(rows) <= 3:
                rare.add(name)
        return scores, frozenset(rare)


def weighted_bm25(connection: sqlite3.Connection, table: str, columns: str, query: Query) -> dict[int, float]:
    """The BM25 of rows, higher is better. FTS5 knows no weights of terms: terms of one weight make one query."""
    scores: dict[int, float] = {}
    statement = f"SELECT rowid, bm25({table}, {columns}) FROM {table} WHERE {table} MATCH ?"  # noqa: S608 - constants
    for weight, terms in query.groups():
        for start in range(0, len(terms), _TERMS_AT_ONCE):
            match = " OR ".join(f'"{term}"' for term in terms[start : start + _TERMS_AT_ONCE])
            for row, score in connection.execute(statement, (match,)):
                scores[row] = scores.get(row, 0.0) - weight * score
    return scores


@contextlib.contextmanager
def open_index(tree: Tree, repo: str, commit: str, folder: Path, *, should_stop: Stop = never) -> Iterator[SearchIndex]:
    """The index of a tree, made when it is missing or damaged.

    One is kept only for a full commit id: a name such as `main` moves. Raises `ContextError` where nothing can be
    written, and `ContextStoppedError`.
    """
    import sqlite3  # noqa: PLC0415 - not needed by most commands

    if not _COMMIT.fullmatch(commit):
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            _fill(connection, tree, should_stop)
            yield SearchIndex(connection)
        return
    file = folder / _file_name(repo, commit)
    opened = _open(file)
    if opened is None:
        try:
            _make(file, tree, should_stop)
        except (OSError, sqlite3.Error) as error:
            hint = "Free disk space, or make the folder writable."
            if "fts5" in str(error):
                hint = "Use a Python whose SQLite has FTS5."
            raise ContextError(f"the search index {file} cannot be written: {error}", hint=hint) from error
        opened = _open(file)
        if opened is None:
            raise ContextError(f"the search index {file} cannot be read", hint="Delete it, and try again.")
    connection, index = opened
    with contextlib.closing(connection):
        try:
            yield index
        except sqlite3.DatabaseError as error:
            file.unlink(missing_ok=True)
            raise ContextError(
                f"the search index {file} was damaged: {error}", hint="Try again: it is gone."
            ) from error


def _file_name(repo: str, commit: str) -> str:
    """Safe for every repository name, and told apart by a hash where names look alike."""
    slug = re.sub(r"[^\w.-]", "-", repo, flags=re.ASCII)[:60].strip(".")
    return f"{slug}-{sha256(repo.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}-{commit}.v{SCHEMA}.sqlite"


def _open(file: Path) -> tuple[sqlite3.Connection, SearchIndex] | None:
    """None where the file is missing, or is not a whole index."""
    import sqlite3  # noqa: PLC0415

    with contextlib.suppress(OSError):
        os.utime(file)  # the last use
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error:
        return None
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA:
            return connection, SearchIndex(connection)
    except sqlite3.Error:
        pass
    connection.close()
    return None


def _make(file: Path, tree: Tree, should_stop: Stop) -> None:
    import sqlite3  # noqa: PLC0415

    file.parent.mkdir(parents=True, exist_ok=True)
    _tidy(file.parent)
    made = file.with_name(f".making-{os.getpid()}-{secrets.token_hex(4)}-{file.name}")
    try:
        with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as connection:
            _fill(connection, tree, should_stop)
        with made.open("rb") as written:
            os.fsync(written.fileno())
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, tree: Tree, should_stop: Stop) -> None:
    connection.executescript(_TABLES)
    connection.execute("BEGIN")
    total = number = 0
    skipped: list[tuple[str, str]] = []
    for path in corpus.source_paths(tree.files()):
        check(should_stop)
        if number >= corpus.MAX_FILES or total >= corpus.MAX_TOTAL_BYTES:
            skipped.insert(0, (path, "the repository has more source files than a search covers"))
            break
        text, reason = corpus.read_source(tree, path)
        if text is None:
            skipped.append((path, reason))
            continue
        total += len(text)
        _insert(connection, number, path, text)
        number += 1
    connection.executemany("INSERT INTO skipped VALUES (?, ?)", skipped[:_MOST_SKIPPED])
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")
    connection.executescript(_INDEXES)


def _insert(connection: sqlite3.Connection, number: int, path: str, text: str) -> None:
    stem = path.rpartition(".")[0]
    connection.execute("INSERT INTO file VALUES (?, ?)", (number, path))
    connection.execute("INSERT INTO body (rowid, path, text) VALUES (?, ?, ?)", (number, stem, text))
    if language := language_of(path):
        rows = ((name, number, weight) for name, weight in language.defined(text).items())
        connection.executemany("INSERT INTO definition VALUES (?, ?, ?)", rows)


def _tidy(folder: Path) -> None:
    """Delete what killed processes left, and the longest unused indexes of a folder that has grown too large."""
    entries: list[tuple[float, int, Path]] = []
    for file in folder.glob("*.sqlite"):
        with contextlib.suppress(OSError):
            status = file.stat()
            entries.append((status.st_mtime, status.st_size, file))
    total = sum(size for _, size, _ in entries)
    for used, size, file in sorted(entries):
        unfinished = file.name.startswith(".making-")
        if time.time() - used > _ABANDONED if unfinished else total > MAX_FOLDER_BYTES:
            with contextlib.suppress(OSError):
                file.unlink()
            total -= size
