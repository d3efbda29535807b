"""The wire fixtures and their expectations, for all protocol tests."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from swebench_providers.protocols import Decoder, TransformPipeline, pipeline
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Event, Finished, ReasoningDelta, TextDelta, UsageUpdate
from swebench_providers.types.usage import TokenUsage

FIXTURES = Path(__file__).parents[1] / "wire_fixtures"

PROTOCOL_OF = {
    "anthropic": "anthropic_messages",
    "ollama": "ollama_chat",
    "framing": "openai_chat",
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "gemini": "gemini",
    "azure": "openai_chat",
    "fastchat": "openai_chat",
    "huggingface": "openai_chat",
    "llamacpp": "openai_chat",
    "lmstudio": "openai_chat",
    "openrouter": "openai_chat",
    "sglang": "openai_chat",
    "vllm": "openai_chat",
}


def protocol(fixture: Path) -> TransformPipeline:
    return pipeline(PROTOCOL_OF[fixture.parent.name])


def read(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def streams() -> list[Path]:
    """Every raw stream with an expectation beside it."""
    found = [*FIXTURES.glob("*/*.sse"), *FIXTURES.glob("*/*.jsonl")]
    return sorted(path for path in found if path.parent.name in PROTOCOL_OF and expected_path(path).exists())


def files(pattern: str) -> list[Path]:
    return sorted(path for path in FIXTURES.glob(pattern) if path.parent.name in PROTOCOL_OF)


def expected_path(path: Path) -> Path:
    return path.with_name(f"{path.name.split('.')[0]}.expected.json")


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


class Outcome(msgspec.Struct):
    """A response in the form of the fixtures."""

    text: str
    reasoning: str
    refusal: str
    finish: str
    usage: TokenUsage | None
    error: ProviderError | None
    saw_terminal: bool
    finished: Finished | None


def run(decoder: Decoder, pieces: list[bytes]) -> Outcome:
    """Feed the pieces and the end of the body to `decoder`, and collect the events."""
    events: list[Event] = []
    for index, piece in enumerate([piece for piece in pieces if piece]):
        events += decoder.feed(piece, float(index))
    events += decoder.feed(b"", float(len(pieces)))
    try:
        finished, error = decoder.finish(0.0), None
    except ProviderError as raised:
        finished, error = None, raised
    return fold(events, finished, error, saw_terminal=decoder.saw_terminal)


def fold(events: list[Event], finished: Finished | None, error: ProviderError | None, *, saw_terminal: bool) -> Outcome:
    usages = [event.usage for event in events if isinstance(event, UsageUpdate)]
    return Outcome(
        text="".join(event.text for event in events if isinstance(event, TextDelta)),
        reasoning="".join(event.text for event in events if isinstance(event, ReasoningDelta)),
        refusal=finished.refusal if finished else "",
        finish=finished.reason.value if finished else "error",
        usage=usages[-1] if usages else None,
        error=error,
        saw_terminal=saw_terminal,
        finished=finished,
    )


def check(outcome: Outcome, expected: Any) -> None:
    """Compare every field of the expectation."""
    assert outcome.text == expected["text"]
    assert outcome.reasoning == expected["reasoning"]
    assert outcome.refusal == expected["refusal"]
    assert outcome.finish == expected["finish"]
    assert outcome.saw_terminal == expected["saw_terminal"]
    check_usage(outcome.usage, expected["usage"])
    check_error(outcome.error, expected["error"])
    if "tool_calls" in expected:
        assert outcome.finished is not None
        assert list(msgspec.to_builtins(outcome.finished.tool_calls)) == expected["tool_calls"]
    if "category" in expected:
        assert outcome.finished is not None
        assert outcome.finished.category == expected["category"]


def check_usage(usage: TokenUsage | None, expected: Any) -> None:
    if expected is None:
        assert usage is None
        return
    assert usage is not None
    assert {
        "input_total": usage.prompt_tokens,
        "cache_read": usage.cached_tokens,
        "cache_write": usage.cache_write_tokens,
        "output_total": usage.completion_tokens,
        "reasoning": usage.reasoning_tokens,
        "cost_usd": None if usage.reported_cost is None else float(usage.reported_cost),
    } == {key: value for key, value in expected.items() if key != "note"}


def check_error(error: ProviderError | None, expected: Any) -> None:
    if expected is None:
        assert error is None, repr(error)
        return
    assert error is not None
    assert error.hint
    if "type" in expected:
        assert expected["type"] in {error.code, error.reason}
    elif "code" in expected:
        assert str(expected["code"]) == error.code
    if "message" in expected:
        assert str(error) == expected["message"]
    if "request_id" in expected:
        assert error.request_id == expected["request_id"]


def cuttings(data: bytes, seed: int) -> Iterator[tuple[str, list[bytes]]]:
    """A body cut in every way: not at all, per line, per byte, at random, and inside every character."""
    yield "whole", [data]
    yield "lines", data.splitlines(keepends=True)
    yield "bytes", [data[i : i + 1] for i in range(len(data))]
    chance = random.Random(seed)
    for round_ in range(20):
        yield f"random {round_}", cut(data, sorted(chance.sample(range(len(data)), min(len(data), 12))))
    inside = [i for i in range(1, len(data)) if data[i] & 0xC0 == 0x80]
    yield "inside characters", cut(data, inside)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def chunks(path: Path) -> list[bytes]:
    return [base64.b64decode(chunk) for chunk in read(path)["chunks_b64"]]
