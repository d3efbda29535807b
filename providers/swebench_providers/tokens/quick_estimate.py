"""How many tokens a request may have, in no time: good enough for a limit or a worst case, not for a figure shown."""

from __future__ import annotations

from typing import Final

from swebench_providers.types.messages import UnifiedRequest

_CHARACTERS_A_TOKEN: Final = 3.5
_FEWEST_ASCII: Final = 2.0  # characters a token in the densest text one meets: digits, brackets, hex
_FEWEST_OTHER: Final = 0.5  # some scripts and emoji take two tokens a character
_FRAMING: Final = 8  # tokens a turn is wrapped in, at most


def tokens_of_length(characters: int) -> int:
    """Tokens of so many characters of code and prose."""
    return round(characters / _CHARACTERS_A_TOKEN)


def estimate_prompt(request: UnifiedRequest) -> int:
    """Tokens of the prompt, about."""
    characters = (
        len(request.prompt) + len(request.system_message or "") + sum(len(turn.content) for turn in request.messages)
    )
    return tokens_of_length(characters) + _framing(request)


def prompt_upper_bound(request: UnifiedRequest) -> int:
    """Tokens that the prompt does not exceed, short of texts made for it."""
    most = (
        _most(request.prompt)
        + _most(request.system_message or "")
        + sum(_most(turn.content) for turn in request.messages)
    )
    return round(most) + _framing(request)


def _most(text: str) -> float:
    return len(text) / (_FEWEST_ASCII if text.isascii() else _FEWEST_OTHER)


def _framing(request: UnifiedRequest) -> int:
    return (2 + len(request.messages)) * _FRAMING
