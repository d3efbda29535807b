"""Obvious mistakes in a key are reported before anything is sent, and no message contains the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Secret
from swebench_tui.settings.secrets.key_lint import lint_key

BODY = "Ab3dEf6hIj9kLmN0pQrS"
OPENAI = f"sk-proj-{BODY}"

WRAPPED = {
    f" {OPENAI}": "whitespace around",
    f"{OPENAI}\r\n": "whitespace around",
    f'"{OPENAI}"': "quotes around",
    f"“{OPENAI}”": "quotes around",
    f"'{OPENAI}": "quotes around",
    f"Bearer {OPENAI}": "`Bearer`",
    f"Authorization: Bearer {OPENAI}": "`Bearer`",
    f"x-api-key: {OPENAI}": "header name",
    f"OPENAI_API_KEY={OPENAI}": "variable name and `=`",
    f'export OPENAI_API_KEY="{OPENAI}"': "quotes around",
}
CONTENT_ISSUES = {
    ("openai", f"sk-ant-{BODY}"): "key of Anthropic, not of openai",
    ("openai", f"sk-or-v1-{BODY}"): "key of OpenRouter",
    ("openai", f"gsk_{BODY}"): "key of Groq",
    ("openai", f"AIza{BODY}"): "key of Google",
    ("openai", f"hf_{BODY}"): "key of Hugging Face",
    ("anthropic", OPENAI): "key of OpenAI",
    ("anthropic", f"sk-{BODY}"): "key of OpenAI",
    ("huggingface", f"sk-ant-{BODY}"): "key of Anthropic",
    ("gemini", f"xai-{BODY}"): "key of xAI",
    ("openai", f"sk-admin-{BODY}"): "admin key",
    ("openai", "sk-proj-abc def"): "contains spaces",
    ("openai", f"{OPENAI}\n{OPENAI}"): "contains a line break",
    ("openai", "sk-proj-абвгдежз"): "characters that no key has",
    ("openai", "sk-proj-\x1b[31mabc"): "control characters",
    ("openai", "sk-1"): "shorter than 8",
    ("openai", "https://platform.openai.com/keys"): "a URL",
    ("openai", "OPENAI_API_KEY"): "name of a variable",
    ("openai", "$OPENAI_API_KEY"): "name of a variable",
    ("openai", "sk-proj-Ab3d…"): "ellipsis",
    ("openai", "sk-proj-Ab3d..."): "ellipsis",
    ("openai", "sk-proj-Ab3d****"): "ellipsis or asterisks",
    ("openai", ""): "empty",
    ("openai", " \n"): "empty",
}
VALID = [
    ("openai", OPENAI),
    ("openai", f"sk-{BODY}"),
    ("openai", f"sk-svcacct-{BODY}"),
    ("anthropic", f"sk-ant-api03-{BODY}"),
    ("openrouter", f"sk-or-v1-{BODY}"),
    ("gemini", f"AQ.{BODY}"),
    ("gemini", f"AIza{BODY}"),
    ("huggingface", f"hf_{BODY}"),
    ("compatible", f"gsk_{BODY}"),
    ("mybox", f"sk-ant-{BODY}"),
    ("azure", "0123456789abcdef0123456789abcdef"),
    ("azure", "QmFzZTY0IGtleSB3aXRoIHBhZGRpbmc9PQ=="),
]


@pytest.mark.parametrize("text", WRAPPED)
def test_wrapping_around_a_key_is_reported_and_removed(text: str) -> None:
    found = lint_key("openai", Secret(text))
    assert any(WRAPPED[text] in issue.message for issue in found)
    assert {issue.corrected for issue in found} == {Secret(OPENAI)}


@pytest.mark.parametrize(("provider", "text"), CONTENT_ISSUES)
def test_what_only_the_user_can_fix_is_reported(provider: str, text: str) -> None:
    found = lint_key(provider, Secret(text))
    assert any(CONTENT_ISSUES[provider, text] in issue.message for issue in found)
    assert {issue.corrected for issue in found} == {None}


@pytest.mark.parametrize(("provider", "text"), VALID)
def test_a_valid_key_has_no_issues(provider: str, text: str) -> None:
    assert lint_key(provider, Secret(text)) == []


PIECES = st.sampled_from(["sk-ant-", "export X=", '"', "Bearer ", "AIza", "\n", "…", "https://", "api-key: "])
KEYS = st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=6).map("".join)


@given(provider=st.sampled_from(["openai", "anthropic", "compatible"]), start=KEYS)
def test_no_message_contains_any_of_the_key(provider: str, start: str) -> None:
    with_key = lint_key(provider, Secret(f"{start}Zq7Zq7Zq7"))
    assert all("Zq7" not in f"{issue!r}" and "\n" not in issue.message for issue in with_key)


@given(text=KEYS)
def test_a_corrected_key_has_no_wrapping_left(text: str) -> None:
    for issue in lint_key("openai", Secret(text)):
        if issue.corrected is not None:
            assert all(again.corrected is None for again in lint_key("openai", issue.corrected))
