"""A prompt that was answered is counted by the usage of its answer; any other is estimated."""

from __future__ import annotations

import msgspec
import pytest

from swebench_providers import Message, TokenUsage, UnifiedRequest
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.estimate import EstimateCounter
from swebench_providers.tokens.metadata_counter import MetadataTokenCounter
from tests.providers.tokens.token_texts import CHAT, PATCH


async def test_an_answered_prompt_is_counted_by_its_usage() -> None:
    counter = MetadataTokenCounter()
    await counter.learn(CHAT, TokenUsage(prompt_tokens=37, completion_tokens=900))
    assert await counter.count_request(CHAT) == TokenCount(37, "exact", "the usage of an earlier answer")
    await counter.learn(UnifiedRequest(model="gpt-5", prompt=PATCH), TokenUsage(prompt_tokens=512, cached_tokens=500))
    assert (await counter.count_tokens(PATCH, "gpt-5")).tokens == 512


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(CHAT, model="gpt-4"),
        msgspec.structs.replace(CHAT, prompt="Go on!"),
        msgspec.structs.replace(CHAT, system_message=None, messages=(Message("user", "Be brief."), *CHAT.messages)),
    ],
    ids=["another model", "another prompt", "another role"],
)
async def test_any_other_prompt_is_left_to_the_next_counter(other: UnifiedRequest) -> None:
    counter = MetadataTokenCounter()
    await counter.learn(CHAT, TokenUsage(prompt_tokens=37))
    assert await counter.count_request(other) == await EstimateCounter().count_request(other)
    assert await counter.count_tokens("Go on.", "gpt-5") == await EstimateCounter().count_tokens("Go on.", "gpt-5")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        TokenUsage(prompt_tokens=0, completion_tokens=5),
        TokenUsage(prompt_tokens=600, source="estimated"),
        TokenUsage(prompt_tokens=128),
    ],
    ids=["none", "no count of the prompt", "an estimate", "the count of a prompt that was cut"],
)
async def test_an_implausible_usage_is_ignored(usage: TokenUsage | None) -> None:
    request = UnifiedRequest(model="qwen3-coder", prompt=PATCH)
    counter = MetadataTokenCounter()
    await counter.learn(request, usage)
    assert (await counter.count_request(request)).source == "estimated"
