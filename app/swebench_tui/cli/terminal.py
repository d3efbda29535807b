"""Capabilities of the terminal, from its environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Colours = Literal["none", "16", "256", "true colour"]


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """`columns` and `rows` are None when the output is not a terminal. `because` is the reason for `colours`.

    `unicode` is whether the output encoding has all characters.
    """

    columns: int | None
    rows: int | None
    colours: Colours
    because: str
    encoding: str
    unicode: bool


def examine(environ: Mapping[str, str], *, encoding: str, size: tuple[int, int] | None) -> Terminal:
    """The capabilities that `environ` states. `size` is columns and rows; None when there is no terminal."""
    colours, because = _colours(environ)
    return Terminal(
        columns=size[0] if size else None,
        rows=size[1] if size else None,
        colours=colours,
        because=because,
        encoding=encoding,
        unicode=encoding.lower().replace("-", "").startswith("utf"),
    )


def _colours(environ: Mapping[str, str]) -> tuple[Colours, str]:
    """Colours and the variable that decided, in order of precedence: NO_COLOR, TERM, COLORTERM."""
    term, colorterm = environ.get("TERM", ""), environ.get("COLORTERM", "")
    if environ.get("NO_COLOR"):
        return "none", "NO_COLOR is set"
    if term in {"", "dumb"}:
        return "none", f"TERM={term}" if term else "TERM is not set"
    if colorterm in {"truecolor", "24bit"}:
        return "true colour", f"COLORTERM={colorterm}"
    return "256" if "256color" in term else "16", f"TERM={term}"
