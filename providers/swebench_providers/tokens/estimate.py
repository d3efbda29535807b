"""Estimates of tokens from the text alone, for models whose tokenizer is not at hand. Always labelled as estimates.

This is the estimator of all that is shown or checked; where microseconds count, `quick_estimate` stands in for it. The
text is cut into pieces as `o200k_base` cuts it before it merges bytes, and each piece costs what pieces of its kind
cost there on average: a known word one token, a row of capitals inside a name more, a Chinese character a little less.
Fitted to 700 files of code, patches, issues and prose: 96 % of them within 10 %, 99 % within 15 %. What looks random,
such as base64, is counted up to 20 % too low.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from swebench_providers.tokens.counter import TokenCount, framing, turns
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.util.prefix import longest_prefix

_WITHOUT_THREAD: Final = 10_000  # characters, some milliseconds
_PLAUSIBLE_SHARE: Final = 0.5  # no text has been estimated at twice its tokens

_PIECE: Final = re.compile(
    r"""
      (?P<word>    [^\S\r\n]? [A-Z]? [a-zß-ɏ]+ | [^\S\r\n] [A-Z]+ (?![a-z]) )
    | (?P<marked>  [!-/:-@\[-`{-~] [A-Z]? [a-zß-ɏ]+ )
    | (?P<caps>    [!-/:-@\[-`{-~]? [A-Z]+ (?![a-z]) )
    | (?P<digits>  [0-9]{1,3} )
    | (?P<marks>   [ ]? [!-/:-@\[-`{-~\0-\x08\x0e-\x1f\x7f]+ [\r\n/]* )
    | (?P<lines>   \s* [\r\n]+ )
    | (?P<spaces>  [^\S\r\n]+ (?=[^\S\r\n]) )
    | (?P<letters> [\x80-\u1fff]+ )
    | (?P<symbols> [\u2000-\u2e7f]+ )
    | (?P<cjk>     [\u2e80-\uffff]+ )
    | (?P<emoji>   [\U00010000-\U0010ffff]+ )
    """,
    re.VERBOSE,
)


class _Cost(NamedTuple):
    """Tokens of a piece of up to `size` characters, and of each further character."""

    tokens: float
    size: int
    further: float


_COSTS: Final[Mapping[str, _Cost]] = {
    "word": _Cost(1.02, 12, 0.125),
    "marked": _Cost(1.3, 12, 0.125),  # ".append", "_name", "<td": half of them are two tokens
    "caps": _Cost(1.75, 12, 0.125),
    "digits": _Cost(1.1, 3, 0.0),
    "marks": _Cost(1.2, 3, 0.1),
    "lines": _Cost(0.9, 16, 1 / 16),
    "spaces": _Cost(0.65, 80, 1 / 128),
    "letters": _Cost(0.3, 1, 0.3),
    "symbols": _Cost(1.0, 1, 1.0),
    "cjk": _Cost(0.75, 1, 0.75),
    "emoji": _Cost(2.0, 1, 2.0),
}

_OLDER_CLAUDE: Final = 1.2
_NEWER_CLAUDE: Final = 1.4  # from 4.7 on, 1.0 to 1.35 times the older count
_FACTORS: Final[Mapping[str, float]] = {
    "claude-": _NEWER_CLAUDE,
    **dict.fromkeys(
        ("claude-2", "claude-3", "claude-instant", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4"), _OLDER_CLAUDE
    ),
    **dict.fromkeys(("claude-opus-4-7", "claude-opus-4-8"), _NEWER_CLAUDE),
}
"""Tokens for each one of `o200k_base` (wire-contracts 7); 1 for the models that are not here."""


class EstimateCounter:
    """Estimates by the shape of the text: any text, any model, without I/O."""

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        long = len(text) > _WITHOUT_THREAD
        tokens = await asyncio.to_thread(estimate_tokens, text, model) if long else estimate_tokens(text, model)
        return TokenCount(tokens, "estimated", "estimate from the text")

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        long = sum(len(turn.content) for turn in turns(request)) > _WITHOUT_THREAD
        tokens = await asyncio.to_thread(estimate_request, request) if long else estimate_request(request)
        return TokenCount(tokens, "estimated", "estimate from the text, with the usual framing of a chat")


def estimate_tokens(text: str, model: str = "") -> int:
    """About how many tokens `text` has for `model`; at least 1 unless it is empty. 100 kB take 20 milliseconds."""
    tokens = sum(_cost(piece) for piece in _PIECE.finditer(text)) * estimate_factor(model)
    return max(round(tokens), 1 if text else 0)


def estimate_request(request: UnifiedRequest) -> int:
    """About how many tokens the model of `request` reads, with the usual framing of a chat."""
    return framing(request) + sum(estimate_tokens(turn.content, request.model) for turn in turns(request))


def is_cut(prompt_tokens: int, estimated: int) -> bool:
    """Whether a server that counted `prompt_tokens` cannot have read a whole prompt of about `estimated` tokens.

    Ollama cuts what does not fit its window without a word (wire-contracts 7 and 10.3).
    """
    return prompt_tokens < estimated * _PLAUSIBLE_SHARE


def _cost(piece: re.Match[str]) -> float:
    cost = _COSTS[piece.lastgroup or "word"]
    return cost.tokens + max(0, piece.end() - piece.start() - cost.size) * cost.further


def estimate_factor(model: str) -> float:
    """Tokens of `model` for each one of the estimate: some tokenizers cut finer."""
    name = model.lower().replace(".", "-")  # some routers write claude-opus-4.7
    prefix = longest_prefix(_FACTORS, name[max(name.find("claude-"), 0) :])
    return 1.0 if prefix is None else _FACTORS[prefix]
