"""Counting tokens: exactly where it can be done, else as an estimate that says it is one.

counter = TiktokenCounter()  # share it: it keeps what it has loaded and counted
count = await counter.count_tokens(text, "gpt-5.4")
print(count.tokens, count.source, count.means)
"""

from __future__ import annotations

from swebench_providers.tokens.api_counter import APITokenCounter
from swebench_providers.tokens.counter import TokenCount, TokenCounter
from swebench_providers.tokens.estimate import EstimateCounter, estimate_tokens
from swebench_providers.tokens.metadata_counter import MetadataTokenCounter
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from swebench_providers.tokens.wires import COUNT_WIRES, CountWire

__all__ = [
    "COUNT_WIRES",
    "APITokenCounter",
    "CountWire",
    "EstimateCounter",
    "MetadataTokenCounter",
    "TiktokenCounter",
    "TokenCount",
    "TokenCounter",
    "estimate_tokens",
]
