"""Estimates of a request's tokens in microseconds, for limits and budgets. Numbers that are shown come from `estimate`.

They are made from the length and the share of characters outside ASCII, so a policy can call them for each request of
any size. `estimate` is up to 40 % above the labelled estimate for code, patches and prose, up to two and a half times
it for other scripts, and half of it for base64 and digits.
"""

from __future__ import annotations

from typing import Final

from swebench_providers.tokens.counter import framing
from swebench_providers.types.messages import UnifiedRequest

_BYTES_PER_TOKEN: Final = 3.5  # of code and prose; Chinese has 4 bytes of UTF-8 to a token
_MIN_ASCII_PER_TOKEN: Final = 2.0  # characters, in the densest files one meets: lock files, minified code
_MAX_TOKENS_PER_OTHER: Final = 2.0  # some scripts and emoji take two tokens a character
_MAX_FRAMING_PER_TURN: Final = 8
_SAMPLE: Final = 1_000  # characters of a text that is not ASCII


def estimate(request: UnifiedRequest) -> int:
    """Tokens of the prompt, about."""
    size = _bytes(request.prompt) + _bytes(request.system_message or "")
    for turn in request.messages:
        size += _bytes(turn.content)
    return estimate_length(size) + framing(request)


def estimate_length(characters: float) -> int:
    """Tokens of so many characters of code and prose."""
    return round(characters / _BYTES_PER_TOKEN)


def upper_bound(request: UnifiedRequest) -> int:
    """Tokens that a prompt of code or prose does not exceed; base64 and digits can by a quarter."""
    tokens = _most_tokens(request.prompt) + _most_tokens(request.system_message or "")
    for turn in request.messages:
        tokens += _most_tokens(turn.content)
    return round(tokens) + (2 + len(request.messages)) * _MAX_FRAMING_PER_TURN


def _bytes(text: str) -> float:
    """The size in UTF-8, exact for ASCII text."""
    if text.isascii():
        return len(text)
    sample = _sample(text)
    return len(sample.encode("utf-8", "surrogatepass")) / len(sample) * len(text)


def _most_tokens(text: str) -> float:
    if text.isascii():
        return len(text) / _MIN_ASCII_PER_TOKEN
    sample = _sample(text)
    ascii_share = len(sample.encode("ascii", "ignore")) / len(sample)
    return len(text) * (ascii_share / _MIN_ASCII_PER_TOKEN + (1 - ascii_share) * _MAX_TOKENS_PER_OTHER)


def _sample(text: str) -> str:
    """Up to two thousand characters from all over a text, whose mixture is that of the whole."""
    return text[:: max(1, len(text) // _SAMPLE)]
