"""Which strings from a server may go into a log or a trace: identifiers and numbers, never free text."""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = re.compile(r"[\w.:/@+=-]{1,128}", re.ASCII)


def log_safe_identifier(value: str | None) -> str | None:
    """`value` if it can be a model's name or a request's id, else None.

    A server chooses these freely, and one that quotes the prompt in place of an id must not put it into a log.
    """
    return value if value and _IDENTIFIER.fullmatch(value) else None
