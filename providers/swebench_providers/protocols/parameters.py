"""Which parameters of a request a model takes, and what is said about those it does not (api-contracts 3.1, 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.types.messages import EFFORTS, Effort, UnifiedRequest

T = TypeVar("T")


class SupportedParameters(NamedTuple):
    """What may be sent. None is left out; `notices` name everything the user set that was left out or changed."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: list[str] | None
    seed: int | None
    effort: Effort | None
    notices: tuple[str, ...]


def supported(
    request: UnifiedRequest, profile: ModelProfile, *, any_effort: bool = False, seed: bool = True
) -> SupportedParameters:
    """The parameters of `request` that the model of `profile` takes.

    `any_effort` passes every effort on (a server that hands it to whatever model it serves); `seed` says whether the
    API has that field at all.
    """
    notices: list[str] = []
    effort = _effort(request, profile, notices, any_effort=any_effort)
    sampling = profile.sampling == "yes" or (
        profile.sampling == "effort_none" and (effort or profile.default_effort) == "none"
    )
    return SupportedParameters(
        max_tokens=_max_tokens(request, profile, notices),
        temperature=_if(sampling, request.temperature, "temperature", request.model, notices),
        top_p=_if(sampling, request.top_p, "top_p", request.model, notices),
        stop=_if(profile.stop, list(request.stop_sequences) or None, "stop sequences", request.model, notices),
        seed=_if(seed, request.seed, "seed", request.model, notices),
        effort=effort,
        notices=tuple(notices),
    )


def present(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def _if(taken: bool, value: T | None, name: str, model: str, notices: list[str]) -> T | None:
    if value is not None and not taken:
        notices.append(f"{name} left out: {model} does not take it")
        return None
    return value


def _max_tokens(request: UnifiedRequest, profile: ModelProfile, notices: list[str]) -> int | None:
    wanted, most = request.max_tokens, profile.max_output
    if wanted is not None and most is not None and wanted > most:
        notices.append(f"output limit lowered from {wanted} to {most}, the most {request.model} gives")
        return most
    return wanted


def _effort(request: UnifiedRequest, profile: ModelProfile, notices: list[str], *, any_effort: bool) -> Effort | None:
    wanted = request.reasoning_effort
    if wanted is None or any_effort or wanted in profile.efforts:
        return wanted
    weaker = [effort for effort in EFFORTS[: EFFORTS.index(wanted)] if effort in profile.efforts]
    if not weaker:
        notices.append(f"reasoning effort {wanted} left out: {request.model} does not take it")
        return None
    notices.append(f"reasoning effort {wanted} sent as {weaker[-1]}, the nearest {request.model} takes")
    return weaker[-1]
