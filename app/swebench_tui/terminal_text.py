"""Text from models and servers, made safe for a terminal.

What arrives over the wire is data: it must not move the cursor, ring the bell, set a window title or turn the order of
letters round. Each character that could is shown as one that stands for it, so a reader sees that it was there.
"""

from __future__ import annotations

import re
from typing import Final

# C0 but tab and line feed, DEL, C1; line and paragraph separators, which terminals do not show; bidirectional
# embeddings, overrides and isolates; lone surrogates, which no encoding of a terminal can carry.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_PICTURES: Final = 0x2400


def sanitize(text: str) -> str:
    """`text` with its control characters made visible; tabs and line feeds stay, the CR of a CR LF goes.

    C0 controls and DEL become their pictures (ESC is `␛`), other characters that disturb a terminal become U+FFFD.
    """
    return _UNSAFE.sub(_stand_in, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` for a title or a table cell: neutralised, runs of white space as one space, none at the ends."""
    return sanitize(re.sub(r"[ \t\r\n]+", " ", text)).strip(" ")


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
