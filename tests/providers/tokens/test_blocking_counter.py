"""Counting on the calling thread gives what the asynchronous counters give."""

from __future__ import annotations

import pytest

from swebench_providers import EstimateCounter, TiktokenCounter, blocking_counter
from tests.providers.tokens.token_texts import PATCH

TEXTS = ("", "def add(a, b):\n", PATCH, "修复 🐛")


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-4", "gpt-oss-20b", "gpt-6-luna"])
async def test_a_model_with_a_known_tokenizer_is_counted_by_it(model: str) -> None:
    counter, reference = blocking_counter(model), TiktokenCounter()
    for text in TEXTS:
        expected = await reference.count_tokens(text, model)
        assert counter(text) == expected.tokens
        assert counter.count(text) == expected
    assert counter.exact == (model != "gpt-6-luna")


@pytest.mark.parametrize("model", ["", "qwen3-coder:30b", "claude-haiku-5-5", "gemini-3-pro"])
async def test_any_other_model_is_estimated_and_labelled(model: str) -> None:
    counter = blocking_counter(model)
    for text in TEXTS:
        assert counter(text) == (await EstimateCounter().count_tokens(text, model)).tokens
    assert (counter.exact, counter.count("x").source) == (False, "estimated")
    assert counter.means.startswith("estimate from the text")


def test_counters_of_equal_means_count_alike() -> None:
    counters = [blocking_counter(model) for model in ("qwen3", "llama-4", "claude-haiku-5-5", "gpt-5.4", "gpt-5.1")]
    assert len({counter.means for counter in counters}) == len({counter(PATCH) for counter in counters}) == 3


def test_texts_are_counted_together() -> None:
    counter = blocking_counter("gpt-5.4")
    assert counter.count("one two", "three").tokens == counter("one two") + counter("three")
