"""The first call of the context mode `pick`, in the records of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from swebench_tui.bench.task import Pick


class PickRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The files that a model named, and the tokens and cost of that call, which those of the answer do not contain.

    `problem` says why a search chose the files instead. `cost` is in USD; None is unknown. `reused`: the answer of an
    earlier call was taken, which costs nothing again.
    """

    prompt_hash: str
    files: tuple[str, ...] = ()
    problem: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    cost_estimated: bool = False
    reused: bool = False


def pick_record(pick: Pick | None) -> PickRecord | None:
    """The record of a first call; None where there was none."""
    if pick is None:
        return None
    return PickRecord(
        prompt_hash=pick.prompt_hash,
        files=pick.files,
        problem=pick.problem,
        prompt_tokens=None if pick.usage is None else pick.usage.prompt_tokens,
        completion_tokens=None if pick.usage is None else pick.usage.completion_tokens,
        cost=None if pick.cost is None else float(pick.cost),
        cost_estimated=pick.cost_estimated,
        reused=pick.reused,
    )
