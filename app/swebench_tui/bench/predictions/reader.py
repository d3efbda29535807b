"""Reads a predictions file as the harness and sb-cli do, record by record, and says where it cannot be read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swebench_tui.bench.predictions.breach import Breach, Rule
from swebench_tui.bench.predictions.json_lines import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

LONGEST_DOCUMENT: Final = 256 * 1024 * 1024
"""Bytes of a .json file, which is read as a whole."""

_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = re.compile(r"[ \t\n\r]*")


class Row(msgspec.Struct, frozen=True):
    """A record and its first line. `key` is its key in an object of records. `repeated` are keys that it has twice."""

    line: int
    value: object
    key: str | None = None
    repeated: tuple[str, ...] = ()


def rows(path: Path) -> Iterator[Row | Breach]:
    """The records of a .jsonl or .json file in their order, and the breaches that keep others from being read.

    A .jsonl file is read line by line. Raises `OSError`.
    """
    with path.open("rb") as file:
        yield from _document(file) if path.suffix == ".json" else _lines(file)


def _lines(file: BinaryIO) -> Iterator[Row | Breach]:
    number, raw = 0, False
    while block := file.readline(LONGEST_LINE + 1):
        if len(block) > LONGEST_LINE:
            what = f"the line is longer than {LONGEST_LINE:,} bytes"
            yield Breach(rule=Rule.TOO_LARGE, line=number + 1, message=what)
            return
        for line in block.splitlines(keepends=True):  # a lone CR ends a line for readers too
            number += 1
            if not raw and not line.isascii() and not line.startswith(_BOM):
                raw = True
                yield Breach(rule=Rule.RAW_TEXT, line=number, message="text that is not ASCII")
            yield _row(line, number)
            if not line.endswith((b"\n", b"\r")):
                yield Breach(rule=Rule.UNENDED_FILE, line=number, message="the last line does not end with a newline")


def _row(line: bytes, number: int) -> Row | Breach:
    if line.startswith(_BOM):
        return Breach(rule=Rule.BYTE_ORDER_MARK, line=number, message="a byte order mark")
    if not line.strip():
        return Breach(rule=Rule.BLANK_LINE, line=number, message="a blank line")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return Breach(rule=Rule.NOT_UTF8, line=number, message=f"not UTF-8: {error.reason}")
    repeated: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, repeated))
    except (ValueError, RecursionError) as error:
        return Breach(rule=Rule.NOT_JSON, line=number, message=f"not JSON: {_without_line(str(error))}")
    return Row(number, value, None, tuple(repeated))


def _document(file: BinaryIO) -> Iterator[Row | Breach]:
    data = file.read(LONGEST_DOCUMENT + 1)
    if len(data) > LONGEST_DOCUMENT:
        yield Breach(rule=Rule.TOO_LARGE, message=f"the file is larger than {LONGEST_DOCUMENT:,} bytes")
        return
    if data.startswith(_BOM):
        yield Breach(rule=Rule.BYTE_ORDER_MARK, line=1, message="a byte order mark")
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        yield Breach(rule=Rule.NOT_UTF8, line=line, message=f"not UTF-8: {error.reason}")
        return
    scanner = _Scanner(text)
    try:
        yield from scanner.rows()
    except (ValueError, RecursionError) as error:
        yield Breach(rule=Rule.NOT_JSON, line=scanner.line, message=f"not JSON: {_without_place(str(error))}")


class _Scanner:
    """Reads the elements of a list, or the values of an object, one after the other, with their lines."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: _object(pairs, self._repeated))
        self.line = 1

    def rows(self) -> Iterator[Row | Breach]:
        opening = self._next()
        if opening not in {"[", "{"}:
            yield Breach(rule=Rule.WRONG_SHAPE, line=self.line, message="neither a list nor an object")
            return
        closing = "]" if opening == "[" else "}"
        self._advance(1)
        if self._next() == closing:
            self._advance(1)
        else:
            yield from self._elements(closing)
        if self._next():
            raise ValueError("there is text behind the end")

    def _elements(self, closing: str) -> Iterator[Row]:
        separator = ","
        while separator == ",":
            key = self._key() if closing == "}" else None
            self._next()
            line, self._repeated[:] = self.line, []
            yield Row(line, self._value(), key, tuple(self._repeated))
            separator = self._expect(",", closing)

    def _key(self) -> str:
        key = self._value()
        if not isinstance(key, str):
            raise ValueError("a key that is not text")  # noqa: TRY004 - one error for all that is no JSON
        self._expect(":")
        return key

    def _value(self) -> object:
        self._next()
        value, end = self._decoder.raw_decode(self._text, self._place)
        self._advance(end - self._place)
        return value

    def _expect(self, *wanted: str) -> str:
        character = self._next()
        if character not in wanted:
            raise ValueError(f"expected {' or '.join(map(repr, wanted))}")
        self._advance(1)
        return character

    def _next(self) -> str:
        """The next character that is no white space; "" at the end."""
        space = _SPACE.match(self._text, self._place)
        self._advance(space.end() - self._place if space else 0)
        return self._text[self._place : self._place + 1]

    def _advance(self, count: int) -> None:
        self.line += self._text.count("\n", self._place, self._place + count)
        self._place += count


def _object(pairs: list[tuple[str, Any]], repeated: list[str]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        repeated += [name for name in value if names.count(name) > 1][:10]
    return value


def _without_line(message: str) -> str:
    """Of the place in one line, only the column."""
    return re.sub(r": line 1 (column \d+) \(char \d+\)$", r", \1", message)


def _without_place(message: str) -> str:
    """Without "line 1 column 7 (char 6)", which counts from the start of the document's text."""
    return re.sub(r": line \d+ column \d+ \(char \d+\)$", "", message)
