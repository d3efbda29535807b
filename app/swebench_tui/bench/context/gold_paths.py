"""The paths in a gold patch, for the context mode `oracle`: all of the solution that any context reads."""

from __future__ import annotations

from swebench_tui.bench.context.errors import ContextError
from swebench_tui.bench.patches.diff_header import bare
from swebench_tui.bench.patches.diff_parser import parse_diff
from swebench_tui.bench.patches.verdict import PatchError


def gold_paths(instance_id: str, patch: str) -> list[str]:
    """The files that a patch changes or deletes, sorted; new ones are not in the base commit.

    Raises `ContextError` for what is no diff.
    """
    if not patch.strip():
        return []
    try:
        changes = parse_diff(patch.removesuffix("\n").split("\n")).changes
    except PatchError as error:
        hint = "Choose another context mode."
        raise ContextError(f"the gold patch of {instance_id} cannot be read: {error}", hint=hint) from error
    return sorted({bare(change.old) for change in changes if change.old is not None})
