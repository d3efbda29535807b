"""What a user should look at in a patch that can be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from swebench_tui.bench.patches.extract import touches_only_tests
from swebench_tui.bench.patches.verdict import PatchWarning, WarningCode

if TYPE_CHECKING:
    from swebench_tui.bench.patches.verdict import PatchVerdict

_SCRIPT = re.compile(r"(?:reproduc|repro_|bug_|debug_|verify_|check_|demo|try_|test_)\w*\.py")
_CREATED = re.compile(r"^--- /dev/null\n\+\+\+ b/([^/\n]*)$", re.MULTILINE)


def warnings_of(verdict: PatchVerdict, *, thoughts: bool, cut: bool) -> tuple[PatchWarning, ...]:
    """The warnings that its patch and its answer deserve. `thoughts`: the model's thoughts have edits."""
    scripts = [name for name in _CREATED.findall(verdict.patch) if _SCRIPT.fullmatch(name)]
    only_tests = bool(verdict.files) and touches_only_tests(verdict.files)
    cut_off = "the answer was cut off at the output limit, so there may have been more to this patch"
    warnings = [
        (only_tests, WarningCode.ONLY_TESTS, "it touches only tests"),
        (bool(scripts), WarningCode.HELPER_SCRIPT, f"it adds a helper script, {', '.join(scripts)}"),
        (thoughts, WarningCode.THOUGHTS, "edits in the model's thoughts do not count"),
        (cut, WarningCode.CUT_OFF, cut_off),
    ]
    return tuple(PatchWarning(code, text) for holds, code, text in warnings if holds)
