"""How many tokens a request may have, in no time: good enough for a limit or a worst case, not for a figure shown."""

from __future__ import annotations

from typing import Final

from swebench_providers.models import UnifiedRequest

_CHARACTERS_A_TOKEN: Final = 3.5
_FEWEST_ASCII: Final = 2.0  # characters a token in the densest text one meets: digits, brackets, hex
_FEWEST_OTHER: Final = 0.5  # some scripts and emoji take two tokens a character
_FRAMING: Final = 8  # tokens a turn is wrapped in, at most


def tokens_of_length(characters: int) -> int:
    """Tokens of so many characters of code and prose."""
    return round(characters / _CHARACTERS_A_TOKEN)


def likely_tokens(request: UnifiedRequest) -> int:
    """Tokens of the prompt, about."""
    return sum(tokens_of_length(len(text)) + _FRAMING for text in _texts(request))


def most_tokens(request: UnifiedRequest) -> int:
    """Tokens that the prompt does not exceed, short of texts made for it."""
    return sum(round(len(text) / _fewest(text)) + _FRAMING for text in _texts(request))


def _fewest(text: str) -> float:
    return _FEWEST_ASCII if text.isascii() else _FEWEST_OTHER


def _texts(request: UnifiedRequest) -> list[str]:
    return [
        text for text in (request.system_message, request.prompt, *(turn.content for turn in request.messages)) if text
    ]
