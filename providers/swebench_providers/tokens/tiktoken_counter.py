"""Counts with the tokenizers of OpenAI's models, on this machine and without a network."""

from __future__ import annotations

import asyncio
from typing import Final

from swebench_providers.tokens.cache import ENTRIES, CountCache, digest
from swebench_providers.tokens.counter import TokenCount, TokenCounter, framing, turns
from swebench_providers.tokens.encodings import PACKAGE, Encodings, tokenizer_of
from swebench_providers.tokens.estimate import EstimateCounter
from swebench_providers.types.messages import UnifiedRequest

_WITHOUT_THREAD: Final = 10_000
"""Characters counted on the caller's thread: about a millisecond, less than a switch can take on a busy machine."""


class TiktokenCounter:
    """Exact for texts of models whose encoding is known; `otherwise` counts for all others.

    Nothing is downloaded and nothing raised: without tiktoken or its ranks, `otherwise` counts everything. The count of
    a chat is an estimate: its texts are exact, its framing is not (off by 1 %, or by the few hundred tokens that a
    reasoning model adds). One counter may be shared by all tasks and loops; it loads each encoding once, on a thread.
    """

    def __init__(
        self, *, otherwise: TokenCounter | None = None, package: str = PACKAGE, entries: int = ENTRIES
    ) -> None:
        self._otherwise = otherwise or EstimateCounter()
        self.encodings = Encodings(package)
        self._known = CountCache(entries)

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        tokenizer = tokenizer_of(model)
        tokens = None if tokenizer is None else await self._count(tokenizer.encoding, text)
        if tokenizer is None or tokens is None:
            return await self._otherwise.count_tokens(text, model)
        return TokenCount(tokens, "exact" if tokenizer.certain else "estimated", tokenizer.means)

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        tokenizer = tokenizer_of(request.model)
        if tokenizer is None:
            return await self._otherwise.count_request(request)
        tokens = framing(request) + tokenizer.framing
        for turn in turns(request):
            counted = await self._count(tokenizer.encoding, turn.content)
            if counted is None:
                return await self._otherwise.count_request(request)
            tokens += counted
        return TokenCount(tokens, "estimated", f"{tokenizer.means}, with the usual framing of a chat")

    async def _count(self, encoding: str, text: str) -> int | None:
        key = digest(encoding, text)
        tokens = self._known.get(key)
        if tokens is not None:
            return tokens
        if len(text) <= _WITHOUT_THREAD and self.encodings.ready(encoding):
            tokens = self.encodings.count(encoding, text)
        else:
            tokens = await asyncio.to_thread(self.encodings.count, encoding, text)
        if tokens is not None:
            self._known.put(key, tokens)
        return tokens
