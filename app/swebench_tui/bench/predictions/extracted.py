"""The parts of an answer that a patch can come from."""

from __future__ import annotations

from swebench_tui.bench.patches import PatchError
from swebench_tui.bench.patches.block_parser import has_marker
from swebench_tui.bench.patches.diff_parser import looks_like_diff
from swebench_tui.bench.patches.regions import read_regions
from swebench_tui.bench.patches.thoughts import remove_thoughts


def extracted_text(answer: str) -> str:
    """The parts with diffs or blocks, else those in fences, as they stand there; without prose, marks and thoughts.

    "" where there are none. Takes time in proportion to the answer.
    """
    try:
        regions = read_regions(remove_thoughts(answer).answer).regions
    except PatchError:
        return ""
    edits = [region for region in regions if has_marker(region.lines) or looks_like_diff(region.lines)]
    chosen = edits or [region for region in regions if region.kind != "prose"]
    return "\n".join("\n".join(region.lines) for region in chosen)
