"""An estimate is close for what is sent here, sane for anything, and gives way to what a provider has counted."""

from __future__ import annotations

import argparse
import inspect
import json.decoder
import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Message, TokenUsage, UnifiedRequest
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.estimate import EstimateCounter, estimate_tokens
from swebench_providers.tokens.metadata_counter import MetadataTokenCounter
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from tests.providers.tokens.token_texts import CHAT, CHAT_FRAMING, CHAT_TEXTS, PATCH, PYTHON, SOURCES, TEXTS


@pytest.fixture(scope="module")
def counter() -> TiktokenCounter:
    """One counter for the whole module: what it has loaded stays."""
    return TiktokenCounter()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("".join(path.read_text("utf-8") for path in sorted(SOURCES.glob("*.py"))), id="this package"),
        *(pytest.param(inspect.getsource(module), id=module.__name__) for module in (argparse, textwrap, json.decoder)),
        *(pytest.param(TEXTS[name], id=name) for name in ("a patch", "an issue", "prose", "CRLF lines", "tabs")),
    ],
)
async def test_an_estimate_of_code_and_prose_is_within_15_percent(counter: TiktokenCounter, text: str) -> None:
    exact = await counter.count_tokens(text, "gpt-5")
    assert exact.source == "exact"
    assert estimate_tokens(text) == pytest.approx(exact.tokens, rel=0.15)


@pytest.mark.parametrize(
    "name", ["Chinese", "Japanese", "Korean", "Arabic and Hebrew", "Russian", "emoji", "frames", "accents", "spaces"]
)
async def test_an_estimate_of_other_scripts_is_off_by_no_more_than_half(counter: TiktokenCounter, name: str) -> None:
    exact = await counter.count_tokens(TEXTS[name], "gpt-5")
    assert estimate_tokens(TEXTS[name]) == pytest.approx(exact.tokens, rel=0.5)


@pytest.mark.parametrize(
    ("model", "factor"),
    [
        ("claude-3-5-sonnet-20241022", 1.2),
        ("claude-opus-4-20250514", 1.2),
        ("claude-sonnet-4-5", 1.2),
        ("anthropic/claude-opus-4.6", 1.2),
        ("claude-opus-4-7", 1.4),
        ("anthropic/claude-opus-4.8", 1.4),
        ("anthropic.claude-sonnet-5-v1:0", 1.4),
        ("claude-haiku-5-5", 1.4),
        ("gemini-3.8-flash", 1.0),
        ("qwen3-coder:30b", 1.0),
        ("", 1.0),
    ],
)
def test_claude_s_tokenizers_make_more_tokens_and_the_newer_one_most(model: str, factor: float) -> None:
    assert estimate_tokens(PYTHON, model) == pytest.approx(estimate_tokens(PYTHON) * factor, rel=0.001)


@given(st.text())
def test_any_text_has_an_estimate_and_only_the_empty_one_has_no_token(text: str) -> None:
    assert bool(text) <= estimate_tokens(text) <= 2 * len(text) + 1
    assert estimate_tokens(f"{text}\n{text}") >= estimate_tokens(text)


async def test_an_estimate_is_labelled_however_long_the_text_and_in_a_chat_too() -> None:
    long = TEXTS["100 kB of code"]
    told = await EstimateCounter().count_tokens(long, "any")
    assert told == TokenCount(estimate_tokens(long), "estimated", "estimate from the text")
    chat = await EstimateCounter().count_request(CHAT)
    assert (chat.tokens, chat.source) == (sum(map(estimate_tokens, CHAT_TEXTS)) + CHAT_FRAMING, "estimated")


# What providers have counted.


async def test_a_prompt_that_was_answered_is_known_exactly() -> None:
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
async def test_a_usage_that_cannot_be_trusted_teaches_nothing(usage: TokenUsage | None) -> None:
    request = UnifiedRequest(model="qwen3-coder", prompt=PATCH)
    counter = MetadataTokenCounter()
    await counter.learn(request, usage)
    assert (await counter.count_request(request)).source == "estimated"
