"""Taking out of a text what must not be passed on: keys, the user's folder, words of prompts and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from swebench_providers import Secret

MASK: Final = "••••"
LEFT_OUT: Final = "[…]"
_OVERLAP: Final = 16
"""Letters in a row that a message may share with a private text; more is a quotation."""

_NAMED_SECRET: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(_|$)", re.IGNORECASE)
_SHORTEST: Final = 8  # characters of a variable's value that may be a key; "1" and "true" are none
_KEY_LIKE: Final = (
    re.compile(r"\b(?:sk|pk|rk|gsk|hf|ghp|gho|ghs|github_pat|xai|glpat|nvapi|pplx|r8|key|token)[-_][A-Za-z0-9_\-]{8,}"),
    re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}|\bAKIA[A-Z0-9]{12,}|\bya29\.[A-Za-z0-9_\-.]{8,}|\beyJ[A-Za-z0-9_\-.]{16,}"),
    re.compile(r"(?i)(?<=bearer )[^\s\"',;]+|(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),
    re.compile(r"(?i)(?<=[?&])(?:[a-z_-]*key|[a-z_-]*token|secret|password|sig|signature)=[^\s&\"']+"),
    re.compile(
        r"(?i)(?:api[-_ ]?key|x-[a-z-]*key|authorization|token|secret|password)[\"']?\s*[:=]\s*[\"']?[^\s\"',;]{6,}"
    ),
    re.compile(r"(?<![A-Za-z0-9_+=/.-])(?=[A-Za-z0-9_+=-]*\d)(?=[A-Za-z0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{28,}"),
)


def secrets_of(environ: Mapping[str, str]) -> list[Secret]:
    """The values of all variables whose name says that they are secret."""
    return [Secret(value) for name, value in environ.items() if _NAMED_SECRET.search(name) and len(value) >= _SHORTEST]


def without_keys(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` with these secrets masked, and with whatever looks like a key."""
    for secret in sorted(secrets, key=lambda known: -len(known.reveal())):
        text = secret.scrub(text)
    for pattern in _KEY_LIKE:
        text = pattern.sub(MASK, text)
    return text


def without_home(text: str, home: Path) -> str:
    """`text` with the user's folder as `~`, so that it does not tell a name."""
    folder = str(home)
    return text if folder in {"/", ""} else text.replace(folder, "~")


def without_quotations(text: str, private: Iterable[str]) -> str:
    """`text` without what it shares with a private text, `_OVERLAP` letters or more in a row."""
    taken = bytearray(len(text))
    for source in private:
        for start in range(len(text) - _OVERLAP + 1):
            if text[start : start + _OVERLAP] in source:
                taken[start : start + _OVERLAP] = b"\1" * _OVERLAP
    if not any(taken):
        return text
    pieces = re.finditer(rb"\x00+|\x01+", bytes(taken))
    return "".join(LEFT_OUT if taken[piece.start()] else text[piece.start() : piece.end()] for piece in pieces)
