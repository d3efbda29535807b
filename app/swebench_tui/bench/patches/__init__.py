"""The patch ladder: a checked patch from a model's answer.

`judge` extracts candidates, repairs their form and never their content, and tries them until `git apply --check`
accepts one. The steps are public too: `find_candidates`, `parse_diff` and `emit_diff`, `parse_blocks`.
"""

from __future__ import annotations

from swebench_tui.bench.patches.block_parser import Block, Blocks, parse_blocks
from swebench_tui.bench.patches.check import judge
from swebench_tui.bench.patches.diff_parser import ParsedDiff, parse_diff
from swebench_tui.bench.patches.extract import Diff, Edits, Files, Found, find_candidates
from swebench_tui.bench.patches.unified_diff import FileChange, Hunk, emit_diff
from swebench_tui.bench.patches.verdict import (
    DroppedRegion,
    Failure,
    HunkReport,
    PatchError,
    PatchVerdict,
    PatchWarning,
    Repair,
    Status,
    WarningCode,
)

__all__ = [
    "Block",
    "Blocks",
    "Diff",
    "DroppedRegion",
    "Edits",
    "Failure",
    "FileChange",
    "Files",
    "Found",
    "Hunk",
    "HunkReport",
    "ParsedDiff",
    "PatchError",
    "PatchVerdict",
    "PatchWarning",
    "Repair",
    "Status",
    "WarningCode",
    "emit_diff",
    "find_candidates",
    "judge",
    "parse_blocks",
    "parse_diff",
]
