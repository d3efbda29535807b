"""Counts from the usage that providers report with their answers."""

from __future__ import annotations

from swebench_providers.tokens.cache import ENTRIES, CountCache, digest
from swebench_providers.tokens.counter import TokenCount, TokenCounter, turns
from swebench_providers.tokens.estimate import EstimateCounter, is_cut
from swebench_providers.types.messages import UnifiedRequest
from swebench_providers.types.usage import TokenUsage


class MetadataTokenCounter:
    """Exact for prompts that have been answered; `otherwise` counts all others.

    For providers without a count endpoint (OpenRouter, Ollama, LM Studio): a prompt of a batch that is sent again, or
    resumed, is known. A text counts as the chat of that one message.
    """

    def __init__(self, *, otherwise: TokenCounter | None = None, entries: int = ENTRIES) -> None:
        self._otherwise = otherwise or EstimateCounter()
        self._estimate = EstimateCounter()
        self._known = CountCache(entries)

    async def learn(self, request: UnifiedRequest, usage: TokenUsage | None) -> None:
        """Keep the usage that a provider reported for `request`, which names its model.

        Ignored: no usage, one that is an estimate itself, and one too small to be of the whole prompt.
        """
        if usage is None or usage.source != "exact" or not usage.prompt_tokens:
            return
        expected = await self._estimate.count_request(request)
        if not is_cut(usage.prompt_tokens, expected.tokens):
            self._known.put(_key(request), usage.prompt_tokens)

    async def count_tokens(self, text: str, model: str) -> TokenCount:
        tokens = self._known.get(_key(UnifiedRequest(model=model, prompt=text)))
        return await self._otherwise.count_tokens(text, model) if tokens is None else _counted(tokens)

    async def count_request(self, request: UnifiedRequest) -> TokenCount:
        tokens = self._known.get(_key(request))
        return await self._otherwise.count_request(request) if tokens is None else _counted(tokens)


def _key(request: UnifiedRequest) -> bytes:
    return digest(request.model, *(part for turn in turns(request) for part in (turn.role, turn.content)))


def _counted(tokens: int) -> TokenCount:
    return TokenCount(tokens, "exact", "the usage of an earlier answer")
