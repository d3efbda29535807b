"""Which of a server's words may go into a log or a trace: names and numbers of its own, never what it says in text."""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = re.compile(r"[\w.:/@+=-]{1,128}", re.ASCII)


def log_safe_identifier(word: str | None) -> str | None:
    """`word` where it can be the name of a model or the number of a request, else None.

    A server chooses these freely, and one that quotes a prompt where its number belongs must not put it into a log.
    """
    return word if word and _IDENTIFIER.fullmatch(word) else None
