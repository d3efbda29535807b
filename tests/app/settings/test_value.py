"""Redaction of values: users put keys in the wrong place."""

from __future__ import annotations

import pytest

from swebench_tui.settings.toml_positions import TomlPath, dotted
from swebench_tui.settings.value import describe_invalid, redact

PASSWORD = "hunter2"  # looks like nothing


@pytest.mark.parametrize(
    "path",
    [
        ("providers", "openai", "keys", 0),
        ("providers", "openai", "headers"),
        ("providers", "openai", "headers", "X-A"),
        ("api_key",),
        ("providers", "openai", "access_token", "a"),
    ],
    ids=dotted,
)
def test_an_invalid_value_of_a_secret_is_not_shown(path: TomlPath) -> None:
    assert describe_invalid(path, PASSWORD) == "an invalid string"


@pytest.mark.parametrize(
    "value", ["sk-1", "sk-ant-api03-x", "AIzaSyX", "Bearer x", "hf_x", "0123456789abcdef", "a1" * 9]
)
def test_what_looks_like_a_key_is_shown_nowhere(value: str) -> None:
    assert describe_invalid(("appearance", "theme"), value) == "an invalid string"


@pytest.mark.parametrize(
    ("value", "prefix"),
    [("nrod", '"nrod"'), (3, "3"), (0.5, "0.5"), (True, "true"), ([], "an array"), ({}, "a table"), ("x" * 70, '"x')],
)
def test_any_other_invalid_value_is_shown_shortened(value: object, prefix: str) -> None:
    redacted = describe_invalid(("appearance", "theme"), value)
    assert redacted.startswith(prefix)
    assert len(redacted) < 65


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ("http://proxy.example:8080", "http://proxy.example:8080"),
        (f"http://me:{PASSWORD}@proxy.example", "http://••••@proxy.example"),
        (f"me:{PASSWORD}@proxy.example", "••••@proxy.example"),
        (f"http://me:{PASSWORD}@b@proxy.example", "http://••••@proxy.example"),
        (f"https://a/v1?key={PASSWORD}#{PASSWORD}", "https://a/v1"),
    ],
)
def test_an_address_is_shown_without_credentials_and_query(value: str, redacted: str) -> None:
    for path in (("network", "proxy"), ("providers", "a", "base_url"), ("providers", "a", "proxy")):
        assert redact(path, value) == redacted
    assert redact(("providers", "a"), {"proxy": value, "headers": {"X": value}}) == {
        "proxy": redacted,
        "headers": {"X": "••••"},
    }
