"""Text from models and servers, made safe for a terminal. The one place that does it.

Text that came over the wire must not move the cursor, ring the bell, set a window title or reverse the order of
letters. Each character that could is replaced by a visible one, so that a reader sees that it was there.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

# C0 but tab and line feed, DEL, C1; line and paragraph separators, which terminals do not show; bidirectional
# embeddings, overrides and isolates; lone surrogates, which no encoding of a terminal can carry.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_PICTURES: Final = 0x2400


def sanitize(text: str) -> str:
    """`text` with its control characters made visible; tabs and line feeds stay, the CR of a CR LF goes.

    C0 controls and DEL become their pictures (ESC is `␛`), other characters that disturb a terminal become U+FFFD.
    """
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` for a title or a table cell: sanitized, runs of white space as one space, none at the ends."""
    return sanitize(re.sub(r"[ \t\r\n]+", " ", text)).strip(" ")


def joined_lines(text: str, *, limit: int) -> str:
    """The lines of `text` as one, with `; ` between them: sanitized, and cut to `limit` characters."""
    lines = (one_line(line) for line in text[: 4 * limit].split("\n"))
    joined = "; ".join(line for line in lines if line)
    return joined if len(joined) <= limit else f"{joined[: limit - 1]}…"


def json_text(value: object) -> bytes:
    """`value` as JSON in UTF-8, in which what disturbs a terminal is written as an escape."""
    text = msgspec.json.encode(value).decode()
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode()


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
