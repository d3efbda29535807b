"""Estimates are close for code and prose, bounded for any text, and always labelled."""

from __future__ import annotations

import argparse
import inspect
import json.decoder
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.estimate import EstimateCounter, estimate_tokens
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from tests.providers.tokens.token_texts import CHAT, CHAT_FRAMING, CHAT_TEXTS, PYTHON, SOURCES, TEXTS


@pytest.fixture(scope="module")
def counter() -> TiktokenCounter:
    """One counter for the whole module, so that its encodings are loaded once."""
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
async def test_an_estimate_of_other_scripts_is_within_a_half(counter: TiktokenCounter, name: str) -> None:
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
def test_claude_models_have_a_factor_by_generation(model: str, factor: float) -> None:
    assert estimate_tokens(PYTHON, model) == pytest.approx(estimate_tokens(PYTHON) * factor, rel=0.001)


@given(st.text())
def test_only_the_empty_text_is_estimated_at_zero(text: str) -> None:
    assert bool(text) <= estimate_tokens(text) <= 2 * len(text) + 1
    assert estimate_tokens(f"{text}\n{text}") >= estimate_tokens(text)


async def test_estimates_of_texts_and_chats_are_labelled() -> None:
    long = TEXTS["100 kB of code"]
    count = await EstimateCounter().count_tokens(long, "any")
    assert count == TokenCount(estimate_tokens(long), "estimated", "estimate from the text")
    chat = await EstimateCounter().count_request(CHAT)
    assert (chat.tokens, chat.source) == (sum(map(estimate_tokens, CHAT_TEXTS)) + CHAT_FRAMING, "estimated")
