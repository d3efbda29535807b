"""`PROVIDER:MODEL` as users write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderError
from swebench_tui.runs.target import Target, parse_target


@pytest.mark.parametrize(
    ("written", "provider", "model"),
    [
        ("openai:gpt-6-luna", "openai", "gpt-6-luna"),
        ("openai", "openai", ""),
        ("openai:", "openai", ""),
        ("ollama:qwen3-coder:30b", "ollama", "qwen3-coder:30b"),
        ("compatible:org/model:free", "compatible", "org/model:free"),
        ("  ollama:llama3 \n", "ollama", "llama3"),
    ],
)
def test_only_the_first_colon_separates_provider_and_model(written: str, provider: str, model: str) -> None:
    assert parse_target(written) == Target(provider=provider, model=model)


@pytest.mark.parametrize("written", ["", "   ", ":", ":gpt-6-luna"])
def test_a_missing_provider_is_an_error_with_a_hint(written: str) -> None:
    with pytest.raises(ProviderError, match="no provider in") as caught:
        parse_target(written)
    assert (caught.value.kind, caught.value.hint) == (
        ErrorKind.INVALID_REQUEST,
        "Write it as PROVIDER:MODEL or PROVIDER.",
    )


@pytest.mark.parametrize("written", ["openai:{}", "{}", "openai:{}:free", ":{}"])
def test_a_key_in_place_of_a_name_is_refused_unseen(written: str) -> None:
    key = "sk-proj-Ab3dEf6hIj9kLmN0pQrS"
    with pytest.raises(ProviderError, match="an API key in place of") as caught:
        parse_target(written.format(key))
    assert key not in f"{caught.value} {caught.value.hint}"


@given(st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True), st.from_regex(r"([!-~]([ -~]*[!-~])?)?", fullmatch=True))
def test_a_target_is_parsed_as_it_is_written(provider: str, model: str) -> None:
    target = Target(provider=provider, model=model)
    assert parse_target(str(target)) == target
