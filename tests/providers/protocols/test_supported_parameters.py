"""The parameters that each model family supports, and notices for the others (wire-contracts 3.1, 3.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import UnifiedRequest
from swebench_providers.catalog import profile_of, provider_spec
from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.protocols.supported_parameters import SupportedParameters, supported
from swebench_providers.types.messages import EFFORTS, Effort

ALWAYS = ["gpt-4o", "gpt-4o-2024-11-20", "gpt-4.1", "gpt-4.1-mini", "claude-haiku-4-5", "claude-sonnet-4-6"]
WHILE_NOT_REASONING = ["gpt-5.1", "gpt-5.2", "gpt-5.4-mini"]
ONLY_WITHOUT_REASONING = ["gpt-5.5", "gpt-5.6-sol", "gpt-6-sol", "gpt-6-luna", "gpt-6.1-terra"]
NEVER = [
    *("o1", "o3", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-6-astra", "gpt-6.1-sol", "gpt-6.2-astra", "gpt-6.2-sol"),
    *("claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5", "claude-opus-5-5", "claude-haiku-5-5"),
    *("claude-fable-5-2", "claude-mythos-5-2"),
]


def select(model: str, **fields: Any) -> SupportedParameters:
    """The parameters of `fields` that `model` supports, by the rules of its vendor."""
    spec = provider_spec("anthropic" if model.startswith("claude") else "openai")
    return supported(UnifiedRequest(model=model, prompt="x", **fields), profile_of(spec, model))


def takes_temperature(model: str, effort: Effort | None) -> bool:
    sent = select(model, temperature=0.0, reasoning_effort=effort)
    has_notice = f"temperature left out: not supported by {model}" in sent.notices
    assert has_notice is (sent.temperature is None)
    return sent.temperature is not None


@pytest.mark.parametrize(
    ("models", "unset", "none", "low"),
    [
        (ALWAYS, True, True, True),
        (WHILE_NOT_REASONING, True, True, False),
        (ONLY_WITHOUT_REASONING, False, True, False),
        (NEVER, False, False, False),
    ],
    ids=["always", "while not reasoning", "only if told not to", "never"],
)
def test_sampling_is_sent_where_the_family_takes_it(models: list[str], *, unset: bool, none: bool, low: bool) -> None:
    for model in models:
        taken = [takes_temperature(model, effort) for effort in (None, "none", "low")]
        assert taken == [unset, none, low], model


EFFORTS_SENT: dict[str, dict[Effort, Effort | None]] = {
    "gpt-4.1": {"none": None, "low": None, "high": None, "max": None},
    "o3": {"none": None, "minimal": None, "low": "low", "high": "high", "xhigh": "high", "max": "high"},
    "gpt-5": {"none": None, "minimal": "minimal", "high": "high", "xhigh": "high", "max": "high"},
    "gpt-5.1": {"none": "none", "minimal": "none", "low": "low", "xhigh": "high"},
    "gpt-5.4": {"none": "none", "xhigh": "xhigh", "max": "xhigh"},
    "gpt-6-luna": {"none": "none", "xhigh": "xhigh", "max": "xhigh"},
    "gpt-6-astra": {"none": None, "minimal": None, "low": "low", "max": "xhigh"},
    "claude-haiku-4-5": {"none": "none", "high": "high", "max": "high"},
    "claude-opus-4-6": {"none": "none", "xhigh": "high", "max": "max"},
    "claude-opus-4-8": {"none": "none", "xhigh": "xhigh", "max": "max"},
    "claude-fable-5-2": {"none": None, "minimal": None, "low": "low", "max": "max"},
}


@pytest.mark.parametrize("model", EFFORTS_SENT)
def test_an_unsupported_effort_is_lowered_with_a_notice(model: str) -> None:
    for requested, sent in EFFORTS_SENT[model].items():
        result = select(model, reasoning_effort=requested)
        assert result.effort == sent, requested
        assert bool(result.notices) is (requested != sent), requested


def test_the_notice_names_what_was_asked_and_what_is_sent() -> None:
    lowered, dropped = select("gpt-6-luna", reasoning_effort="max"), select("gpt-4.1", reasoning_effort="low")
    assert lowered.notices == ("reasoning effort max lowered to xhigh, the nearest that gpt-6-luna supports",)
    assert dropped.notices == ("reasoning effort low left out: not supported by gpt-4.1",)


def test_stop_sequences_go_to_models_that_take_them() -> None:
    assert select("gpt-4o", stop_sequences=("x",)).stop == ["x"]
    refused = select("gpt-6-luna", stop_sequences=("x",))
    assert (refused.stop, refused.notices) == (None, ("stop sequences left out: not supported by gpt-6-luna",))
    assert select("gpt-6-luna").notices == ()


def test_an_output_limit_above_the_models_is_lowered() -> None:
    assert select("gpt-4o", max_tokens=16384).max_tokens == 16384
    lowered = select("gpt-4o", max_tokens=20000)
    assert lowered.max_tokens == 16384
    assert lowered.notices == ("output limit lowered from 20000 to 16384, the maximum of gpt-4o",)
    assert select("unheard-of", max_tokens=10**9).max_tokens == 10**9


requests = st.builds(
    UnifiedRequest,
    model=st.just("m"),
    prompt=st.just("x"),
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    stop_sequences=st.lists(st.text(), max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 9),
    reasoning_effort=st.none() | st.sampled_from(EFFORTS),
    grammar=st.none() | st.just('root ::= "yes"'),
)
profiles = st.builds(
    ModelProfile,
    max_output=st.none() | st.integers(1, 10**6),
    sampling=st.sampled_from(["yes", "no", "effort_none"]),
    stop=st.booleans(),
    efforts=st.lists(st.sampled_from(EFFORTS), unique=True).map(tuple),
    default_effort=st.none() | st.sampled_from(EFFORTS),
)


@given(requests, profiles, st.booleans(), st.booleans(), st.booleans())
def test_each_parameter_is_sent_unchanged_or_named_in_a_notice(
    request: UnifiedRequest, profile: ModelProfile, any_effort: bool, seed: bool, grammar: bool
) -> None:
    sent = supported(request, profile, any_effort=any_effort, seed=seed, grammar=grammar)
    pairs = [
        (request.max_tokens, sent.max_tokens),
        (request.temperature, sent.temperature),
        (request.top_p, sent.top_p),
        (list(request.stop_sequences) or None, sent.stop),
        (request.seed, sent.seed),
        (request.reasoning_effort, sent.effort),
        (request.grammar, sent.grammar),
    ]
    assert len(sent.notices) == sum(requested != result for requested, result in pairs)
    assert all(result is None for requested, result in pairs if requested is None)  # nothing is added
