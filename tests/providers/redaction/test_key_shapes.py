"""Keys are recognised by their shape wherever they stand, and other words are left alone."""

from __future__ import annotations

import pytest

from swebench_providers.redaction import (
    MASK,
    is_a_key,
    looks_like_a_key,
    mask_keys,
    mask_suspicious,
    may_be_a_key,
    shape_of,
    without_credentials,
)
from swebench_providers.redaction.key_shapes import KEY_SHAPES

BODY = "Ab3dEf6hIj9kLmN0pQrS"
OPENAI = f"sk-proj-{BODY}"
KEYS = [
    "sk-proj-abcdEFGH1234",
    "AIzaSyA1234567890abcdef",
    "hf_abcdefghijklmnop",
    "gsk_abcdefgh12345678",
    "AKIAABCDEFGHIJKLMNOP",
    "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
]
PLACES = ["{}", "key {} refused", "Authorization: Bearer {}", "https://u:{}@host/v1", "https://h/v1?key={}&x=1", "'{}'"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS)
def test_whatever_can_be_a_key_is_masked_in_a_report(key: str, place: str) -> None:
    assert key not in mask_suspicious(place.format(key))


def test_the_name_of_a_masked_value_stays() -> None:
    assert mask_suspicious("https://h/v1?api_key=hunter2&x=1") == f"https://h/v1?api_key={MASK}&x=1"
    assert mask_suspicious("x-api-key: hunter2") == f"x-api-key: {MASK}"


@pytest.mark.parametrize(
    "line",
    [
        "swebench_tui/tui/screens/compare.py:212 in _ask_first_task\n    question = await _question_about(tasks[0])",
        "    key_variable = next((name for name in names), None)",
        "    return sorted(found, key=lambda shape: -len(shape.prefix))",
    ],
)
def test_the_lines_of_a_traceback_stay_readable(line: str) -> None:
    assert mask_suspicious(line) == line


@pytest.mark.parametrize("shape", KEY_SHAPES, ids=lambda shape: shape.prefix)
@pytest.mark.parametrize("text", ["there is no provider '{}'", "{}", "Bearer {}", "a={},", "No such option: --{}"])
def test_a_key_of_each_shape_is_masked_in_any_sentence(text: str, shape: object) -> None:
    prefix = getattr(shape, "prefix", "")
    key = f"{prefix}{BODY.upper() if prefix == 'AKIA' else BODY}"
    assert mask_keys(text.format(key)) == text.format(MASK)
    assert is_a_key(key)


@pytest.mark.parametrize(
    "text",
    [
        "task-123456789012345 of scikit-learn",
        "sk-box",
        "/home/0123456789abcdef0123456789ab",
        "there is no model xai-grok-4-fast-reasoning",
        "pplx-70b-online answered",
        "Incorrect API key provided: sk-proj-********1234.",
    ],
)
def test_a_sentence_without_a_key_stays(text: str) -> None:
    assert mask_keys(text) == text


@pytest.mark.parametrize("text", [OPENAI, "0123456789abcdef0123456789abcdef", f"hf_{BODY}"])
def test_a_key_given_as_something_else_is_recognised(text: str) -> None:
    assert looks_like_a_key(text)
    assert may_be_a_key(text)


@pytest.mark.parametrize(
    "text",
    ["openai", "my-box", "claude-haiku-4-5-20251001", "work", "https://a.example/v1", "openai/gpt-oss-120b:groq"],
)
def test_names_models_and_addresses_are_not_keys(text: str) -> None:
    assert not looks_like_a_key(text)
    assert not is_a_key(text)


def test_the_longest_prefix_tells_the_vendor() -> None:
    vendors = [shape.vendor for key in ("sk-ant-x", "sk-or-v1-x", "sk-x", "hf_x") if (shape := shape_of(key))]
    assert vendors == ["Anthropic", "OpenRouter", "OpenAI", "Hugging Face"]
    assert shape_of("opaque") is None


def test_an_address_loses_credentials_and_query() -> None:
    assert without_credentials("https://me:hunter2@h:1/v1?key=x#y") == f"https://{MASK}@h:1/v1"
    assert without_credentials("https://h/v1") == "https://h/v1"
    assert without_credentials("http://me:hun/ter2@h:x", malformed=True) == f"http://{MASK}@h:x"
