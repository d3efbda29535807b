"""Requests on the wire: the request fixtures, field by field, and further rules."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, Message, ProviderError, Secret, UnifiedRequest
from swebench_providers.catalog import profile_of, provider_spec
from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.http.transport import Transport
from swebench_providers.protocols import pipeline
from swebench_providers.protocols.base import WireRequest
from tests.fault_server import FaultServer
from tests.providers import wire
from tests.providers.dialects import provider_at

SYSTEM = "You fix bugs. Answer with one unified diff."
PROMPT = "Issue: add() subtracts. Repository file calc.py follows."

REQUESTS: dict[str, tuple[str, UnifiedRequest]] = {
    "openai-chat": (
        "openai",
        UnifiedRequest(
            model="gpt-6.1-terra", system_message=SYSTEM, prompt=PROMPT, max_tokens=16000, reasoning_effort="high"
        ),
    ),
    "anthropic": (
        "anthropic",
        UnifiedRequest(
            model="claude-opus-5-5",
            system_message=SYSTEM,
            prompt=PROMPT,
            max_tokens=32000,
            reasoning_effort="high",
            cache_prompt=True,
        ),
    ),
    **{
        server: (
            name,
            UnifiedRequest(model=model, system_message=SYSTEM, prompt=PROMPT, max_tokens=8192, temperature=0),
        )
        for server, name, model in [
            ("llamacpp", "llamacpp", "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf"),
            ("vllm", "compatible", "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
            ("sglang", "compatible", "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
            ("lmstudio", "compatible", "qwen/qwen3-coder-30b"),
            ("huggingface", "compatible", "openai/gpt-oss-120b:cheapest"),
        ]
    },
}


def encoded(name: str, request: UnifiedRequest) -> WireRequest:
    spec = provider_spec(name)
    return pipeline(spec.protocol).transformer.encode(request, profile_of(spec, request.model), spec.quirks)


def body_of(wired: WireRequest) -> dict[str, Any]:
    return msgspec.json.decode(wired.body, type=dict[str, Any])


@pytest.mark.parametrize("fixture", REQUESTS)
async def test_the_server_is_sent_what_the_fixture_says(
    fixture: str, fault_server: FaultServer, transport: Transport
) -> None:
    name, request = REQUESTS[fixture]
    await provider_at(fault_server.base_url, name, transport).generate_unified(request)
    assert fault_server.requests[0].json == wire.read(wire.FIXTURES / fixture / "request.json")


async def test_anthropic_is_sent_the_headers_its_fixture_names(fault_server: FaultServer, transport: Transport) -> None:
    name, request = REQUESTS["anthropic"]
    provider = provider_at(fault_server.base_url, name, transport, api_key=Secret("sk-ant-EXAMPLE"))
    await provider.generate_unified(request)
    expected = wire.read(wire.FIXTURES / "anthropic" / "request.headers.json")
    assert expected.items() <= fault_server.requests[0].headers.items()


def test_ollama_is_sent_what_its_fixture_says() -> None:
    request = UnifiedRequest(
        model="qwen3-coder:30b",
        system_message=SYSTEM,
        prompt=PROMPT,
        max_tokens=8192,
        temperature=0,
        seed=7,
        reasoning_effort="high",
    )
    known = ModelProfile(context_window=65536, effort_style="switch")
    wired = pipeline("ollama_chat").transformer.encode(request, known, provider_spec("ollama").quirks)
    assert body_of(wired) == wire.read(wire.FIXTURES / "ollama" / "request.json")
    assert wired.notices == ()


def test_a_parameter_that_was_not_set_is_not_sent() -> None:
    plain = UnifiedRequest(model="m", prompt="Hi")
    messages = [{"role": "user", "content": "Hi"}]
    assert body_of(encoded("openai", plain)) == {
        "model": "m",
        "messages": messages,
        "store": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert body_of(encoded("compatible", msgspec.structs.replace(plain, stream=False))) == {
        "model": "m",
        "messages": messages,
        "stream": False,
    }
    assert body_of(encoded("anthropic", plain)) == {
        "model": "m",
        "max_tokens": 8192,
        "messages": messages,
        "stream": True,
    }
    assert body_of(encoded("ollama", plain)) == {
        "model": "m",
        "messages": messages,
        "stream": True,
        "keep_alive": "15m",
        "options": {"num_ctx": 8192},
    }


def test_all_parameters_reach_a_server_that_takes_them() -> None:
    request = UnifiedRequest(
        model="m",
        prompt="Hi",
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        stop_sequences=("a", "b"),
        seed=7,
        reasoning_effort="low",
    )
    sent = {"temperature": 0.5, "top_p": 0.9, "stop": ["a", "b"], "seed": 7}
    assert (
        body_of(encoded("compatible", request)).items() >= (sent | {"max_tokens": 5, "reasoning_effort": "low"}).items()
    )
    assert body_of(encoded("ollama", request))["options"] == sent | {"num_predict": 5, "num_ctx": 8192}
    anthropic = encoded("anthropic", request)
    assert body_of(anthropic).items() >= {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["a", "b"]}.items()
    assert anthropic.notices == (
        "reasoning effort low left out: not supported by m",
        "seed left out: not supported by m",
    )


def test_usage_is_requested_only_where_it_is_optional() -> None:
    for usage in ("always", "never"):
        quirks = msgspec.convert({"usage_in_stream": usage}, Quirks)
        wired = pipeline("openai_chat").transformer.encode(UnifiedRequest(prompt="x"), ModelProfile(), quirks)
        assert "stream_options" not in body_of(wired)


def test_a_server_without_a_seed_is_not_sent_one() -> None:
    request = UnifiedRequest(model="m", prompt="x", seed=7)
    wired = pipeline("openai_chat").transformer.encode(request, ModelProfile(), Quirks(seed=False))
    assert "seed" not in body_of(wired)
    assert wired.notices == ("seed left out: not supported by m",)


def test_the_prompt_is_the_last_turn_after_the_conversation() -> None:
    turns = (Message("user", "one"), Message("assistant", "two"))
    request = UnifiedRequest(model="m", messages=turns, prompt="three", system_message="S")
    contents = ["S", "one", "two", "three"]
    for name in ("openai", "compatible", "ollama"):
        assert [turn["content"] for turn in body_of(encoded(name, request))["messages"]] == contents
    body = body_of(encoded("anthropic", request))
    assert [body["system"], *(turn["content"] for turn in body["messages"])] == contents
    no_prompt = body_of(encoded("compatible", UnifiedRequest(model="m", messages=turns)))
    assert [turn["content"] for turn in no_prompt["messages"]] == ["one", "two"]


def test_anthropic_gets_turns_that_alternate() -> None:
    turns = tuple(Message(role, role) for role in ("user", "user", "assistant", "assistant", "user"))
    body = body_of(encoded("anthropic", UnifiedRequest(model="m", messages=turns, prompt="now")))
    assert body["messages"] == [
        {"role": "user", "content": "user\n\nuser"},
        {"role": "assistant", "content": "assistant\n\nassistant"},
        {"role": "user", "content": "user\n\nnow"},
    ]


@pytest.mark.parametrize(
    ("model", "effort", "max_tokens", "sent"),
    [
        ("claude-opus-5-5", None, None, {}),
        ("claude-opus-5-5", "none", None, {"thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", "none", None, {"thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", "low", None, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ("claude-haiku-4-5", "high", 4096, {"thinking": {"type": "enabled", "budget_tokens": 4095}}),
        ("claude-haiku-4-5", "high", 1024, {}),
        (
            "claude-sonnet-4-6",
            "max",
            None,
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
        ),
        ("another", "high", None, {}),
    ],
)
def test_thinking_has_the_form_that_the_generation_supports(
    model: str, effort: Any, max_tokens: int | None, sent: dict[str, Any]
) -> None:
    request = UnifiedRequest(model=model, prompt="x", reasoning_effort=effort, max_tokens=max_tokens)
    body = body_of(encoded("anthropic", request))
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == sent


@pytest.mark.parametrize(
    ("fields", "version"),
    [({}, "2026-10-21"), ({"temperature": 0.0}, "2023-06-01"), ({"top_p": 0.5}, "2023-06-01")],
)
def test_the_anthropic_version_supports_the_parameters_sent(fields: dict[str, Any], version: str) -> None:
    wired = encoded("anthropic", UnifiedRequest(model="claude-haiku-4-5", prompt="x", **fields))
    assert wired.headers["anthropic-version"] == version
    refused = encoded("anthropic", UnifiedRequest(model="claude-opus-5-5", prompt="x", **fields))
    assert refused.headers["anthropic-version"] == "2026-10-21"  # nothing was sent


@pytest.mark.parametrize(
    ("model", "effort", "think"),
    [
        ("qwen3-coder:30b", "none", False),
        ("qwen3-coder:30b", "high", True),
        ("gpt-oss:20b", "high", "high"),
        ("gpt-oss:20b", "none", False),
    ],
)
def test_ollama_gets_a_think_switch_or_level(model: str, effort: Any, think: bool | str) -> None:
    body = body_of(encoded("ollama", UnifiedRequest(model=model, prompt="x", reasoning_effort=effort)))
    assert body["think"] == think


@given(st.integers(0, 400_000), st.none() | st.integers(1, 100_000))
def test_the_window_asked_of_ollama_holds_prompt_and_answer(size: int, max_tokens: int | None) -> None:
    request = UnifiedRequest(model="m", system_message="s" * 30, prompt="x" * size, max_tokens=max_tokens)
    window = body_of(encoded("ollama", request))["options"]["num_ctx"]
    needed = (size + 30) // 3 + (max_tokens or 4096)
    assert max(needed, 8192) <= window <= max(2 * needed, 8192)


@pytest.mark.parametrize("name", ["openai", "anthropic", "ollama"])
@pytest.mark.parametrize("field", ["prompt", "system_message", "model"])
def test_text_that_is_not_unicode_is_refused_with_a_hint(name: str, field: str) -> None:
    request = msgspec.structs.replace(UnifiedRequest(model="m", prompt="x"), **{field: "half a \ud83d"})
    with pytest.raises(ProviderError, match="lone surrogate") as caught:
        encoded(name, request)
    assert caught.value.kind is ErrorKind.INVALID_REQUEST
    assert "UTF-8" in caught.value.hint
