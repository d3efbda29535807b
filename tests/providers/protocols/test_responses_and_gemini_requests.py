"""Requests to OpenAI Responses and Gemini, and notices for every parameter left out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import Message, UnifiedRequest
from swebench_providers.catalog import profile_of, provider_spec
from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.protocols import WireRequest, pipeline
from swebench_providers.types.messages import EFFORTS, Effort
from swebench_providers.types.models import ModelInfo

GEMINI_MODELS = [
    *("gemini-4-argon", "gemini-3.9-flash", "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.6-flash"),
    *("gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview", "gemini-3.1-flash-lite"),
    *("gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash"),
    *("gemini-flash-latest", "gemma-4-31b-it"),
]


def encode(protocol: str, model: str, **fields: Any) -> WireRequest:
    """The request to `model` by the rules of its family."""
    spec = provider_spec("gemini" if protocol == "gemini" else "openai")
    request = UnifiedRequest(**{"model": model, "prompt": "Hi", **fields})
    return pipeline(protocol).transformer.encode(request, profile_of(spec, model), spec.quirks)


def body_of(wired: WireRequest) -> dict[str, Any]:
    return msgspec.json.decode(wired.body, type=dict[str, Any])


def test_responses_get_what_they_support_with_notices_for_the_rest() -> None:
    wired = encode(
        "openai_responses",
        "gpt-4.1",
        system_message="S",
        messages=(Message("assistant", "A"), Message("system", "T")),
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        stop_sequences=("x",),
        seed=7,
        reasoning_effort="low",
        stream=False,
    )
    assert body_of(wired) == {
        "model": "gpt-4.1",
        "instructions": "S",
        "input": [
            {"role": "assistant", "content": [{"type": "output_text", "text": "A"}]},
            {"role": "system", "content": [{"type": "input_text", "text": "T"}]},
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        ],
        "max_output_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "stream": False,
        "store": False,
    }
    assert wired.path == "/responses"
    assert {notice.partition(" left out")[0] for notice in wired.notices} == {
        "stop sequences",
        "seed",
        "reasoning effort low",
    }


def test_responses_are_not_stored_whatever_the_chat_quirks() -> None:
    request = UnifiedRequest(model="m", prompt="Hi")
    assert body_of(pipeline("openai_responses").transformer.encode(request, ModelProfile(), Quirks()))["store"] is False


@pytest.mark.parametrize(
    ("model", "effort", "sent", "notices"),
    [
        ("gpt-6-astra", "max", {"effort": "max", "summary": "auto"}, ()),
        ("gpt-6-luna", "none", {"effort": "none"}, ()),
        ("gpt-6-luna", None, None, ()),
        (
            "gpt-5.5",
            "max",
            {"effort": "xhigh", "summary": "auto"},
            ("reasoning effort max lowered to xhigh, the nearest that gpt-5.5 supports",),
        ),
        ("gpt-5.5-pro", "none", None, ("reasoning effort none left out: not supported by gpt-5.5-pro",)),
    ],
)
def test_an_effort_on_responses_requests_a_reasoning_summary(
    model: str, effort: Effort | None, sent: object, notices: tuple[str, ...]
) -> None:
    wired = encode("openai_responses", model, reasoning_effort=effort)
    assert (body_of(wired).get("reasoning"), wired.notices) == (sent, notices)


THOUGHTS: dict[str, dict[Effort, object]] = {
    "gemini-3.8-flash": {"none": None, "minimal": None, "low": "LOW", "high": "HIGH", "max": "HIGH"},
    "gemini-3.6-flash": {"none": None, "minimal": "MINIMAL", "max": "HIGH"},
    "gemini-3.1-pro-preview": {"minimal": None, "medium": "MEDIUM"},
    "gemini-4-argon": {"minimal": None, "xhigh": "HIGH"},
    "gemini-2.5-flash": {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "max": 24576},
    "gemini-2.5-pro": {"none": None, "minimal": 512, "high": 24576},
    "gemini-2.0-flash": {"none": None, "high": None},
    "gemma-4-31b-it": {"high": None},
}


@pytest.mark.parametrize("model", THOUGHTS)
def test_an_effort_becomes_the_level_or_budget_of_the_generation(model: str) -> None:
    for effort, sent in THOUGHTS[model].items():
        wired = encode("gemini", model, reasoning_effort=effort)
        config = body_of(wired).get("generationConfig", {}).get("thinkingConfig", {})
        assert config.get("thinkingLevel", config.get("thinkingBudget")) == sent, effort
        assert config.get("includeThoughts", False) is bool(sent)
        assert bool(wired.notices) is (effort not in profile_of(provider_spec("gemini"), model).efforts), effort


@given(st.sampled_from(GEMINI_MODELS), st.none() | st.sampled_from(EFFORTS), st.none() | st.floats(0, 2))
def test_a_level_and_a_budget_are_never_sent_together(
    model: str, effort: Effort | None, temperature: float | None
) -> None:
    wired = encode("gemini", model, reasoning_effort=effort, temperature=temperature)
    config = body_of(wired).get("generationConfig", {})
    assert not {"thinkingLevel", "thinkingBudget"} <= set(config.get("thinkingConfig", {}))
    assert "thinkingConfig" in config or effort is None or wired.notices
    refused = any(name in model for name in ("3.5-flash-lite", "3.6", "3.7", "3.8", "3.9", "latest"))
    assert ("temperature" in config) is (temperature is not None and not refused)
    assert (f"temperature left out: not supported by {model}" in wired.notices) is (temperature is not None and refused)


def test_gemini_requests_use_its_fields_and_system_instruction() -> None:
    wired = encode(
        "gemini",
        "gemini-3.5-flash",
        system_message="S",
        messages=(Message("user", "Q"), Message("assistant", "A"), Message("system", "T")),
        max_tokens=10**6,
        temperature=0.5,
        top_p=0.9,
        stop_sequences=("x",),
        seed=7,
        stream=False,
    )
    assert body_of(wired) == {
        "systemInstruction": {"parts": [{"text": "S"}, {"text": "T"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Q"}]},
            {"role": "model", "parts": [{"text": "A"}]},
            {"role": "user", "parts": [{"text": "Hi"}]},
        ],
        "generationConfig": {
            "maxOutputTokens": 65536,
            "temperature": 0.5,
            "topP": 0.9,
            "stopSequences": ["x"],
            "seed": 7,
        },
    }
    assert wired.path == "/models/gemini-3.5-flash:generateContent"
    assert wired.notices == ("output limit lowered from 1000000 to 65536, the maximum of gemini-3.5-flash",)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3.8-flash", "/models/gemini-3.8-flash"),
        ("models/gemini-3.8-flash", "/models/gemini-3.8-flash"),
        ("../../v1/secrets?x=", "/models/..%2F..%2Fv1%2Fsecrets%3Fx%3D"),
        ("\ud800", "/models/%3F"),
    ],
)
def test_a_model_name_changes_nothing_of_the_address_around_it(model: str, path: str) -> None:
    assert encode("gemini", model).path == f"{path}:streamGenerateContent?alt=sse"


def test_the_models_gemini_lists_are_those_that_write_text() -> None:
    listed = {
        "models": [
            {"name": "models/a", "displayName": "A", "inputTokenLimit": 9, "outputTokenLimit": 3},
            {"name": "models/b", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/c", "supportedGenerationMethods": ["generateContent"]},
        ]
    }
    assert pipeline("gemini").parser.parse_models(msgspec.json.encode(listed)) == [
        ModelInfo(id="a", name="A", context_window=9, max_output=3),
        ModelInfo(id="c"),
    ]
