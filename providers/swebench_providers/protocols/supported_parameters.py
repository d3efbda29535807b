"""The parameters of a request that a model supports, and notices for the others (wire-contracts 3.1, 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.types.messages import EFFORTS, Effort, UnifiedRequest

T = TypeVar("T")


class SupportedParameters(NamedTuple):
    """The parameters to send; None is left out. `notices` name those of the user that were left out or changed."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: list[str] | None
    seed: int | None
    effort: Effort | None
    grammar: str | None
    notices: tuple[str, ...]


def supported(
    request: UnifiedRequest,
    profile: ModelProfile,
    *,
    any_effort: bool = False,
    seed: bool = True,
    grammar: bool = False,
) -> SupportedParameters:
    """The parameters of `request` that the model of `profile` supports.

    With `any_effort`, every effort is sent (a server may pass it to whatever model it serves). `seed` and
    `grammar` are whether the API has those fields at all.
    """
    notices: list[str] = []
    effort = _effort(request, profile, notices, any_effort=any_effort)
    sampling = profile.sampling == "yes" or (
        profile.sampling == "effort_none" and (effort or profile.default_effort) == "none"
    )
    return SupportedParameters(
        max_tokens=_max_tokens(request, profile, notices),
        temperature=_keep_if(sampling, request.temperature, "temperature", request.model, notices),
        top_p=_keep_if(sampling, request.top_p, "top_p", request.model, notices),
        stop=_keep_if(profile.stop, list(request.stop_sequences) or None, "stop sequences", request.model, notices),
        seed=_keep_if(seed, request.seed, "seed", request.model, notices),
        effort=effort,
        grammar=_grammar(request, notices, supported=grammar),
        notices=tuple(notices),
    )


def present(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` without those that are None."""
    return {name: value for name, value in fields.items() if value is not None}


def _keep_if(supported: bool, value: T | None, name: str, model: str, notices: list[str]) -> T | None:
    if value is not None and not supported:
        notices.append(f"{name} left out: not supported by {model}")
        return None
    return value


def _grammar(request: UnifiedRequest, notices: list[str], *, supported: bool) -> str | None:
    if request.grammar and not supported:
        notices.append("grammar left out: only Chat Completions of llama.cpp's server take one")
        return None
    return request.grammar or None


def _max_tokens(request: UnifiedRequest, profile: ModelProfile, notices: list[str]) -> int | None:
    requested, maximum = request.max_tokens, profile.max_output
    if requested is not None and maximum is not None and requested > maximum:
        notices.append(f"output limit lowered from {requested} to {maximum}, the maximum of {request.model}")
        return maximum
    return requested


def _effort(request: UnifiedRequest, profile: ModelProfile, notices: list[str], *, any_effort: bool) -> Effort | None:
    requested = request.reasoning_effort
    if requested is None or any_effort or requested in profile.efforts:
        return requested
    weaker = [effort for effort in EFFORTS[: EFFORTS.index(requested)] if effort in profile.efforts]
    if not weaker:
        notices.append(f"reasoning effort {requested} left out: not supported by {request.model}")
        return None
    notices.append(f"reasoning effort {requested} lowered to {weaker[-1]}, the nearest that {request.model} supports")
    return weaker[-1]
