"""A task with a solution, and contexts, for the tests of prompts."""

from __future__ import annotations

from swebench_tui.bench.context import Context, ContextFile, ContextMode, Window
from swebench_tui.bench.instance import Instance

SECRETS = ("the-gold-patch", "the-test-patch", "the-hints", "test_that_must_pass", "test_that_passes")
TASK = Instance(
    repo="acme/rocket",
    instance_id="acme__rocket-1",
    base_commit="0" * 40,
    problem_statement="It does not fly.\r\nLine two.\rLine three.\n",
    version="1.2",
    patch=f"--- a/rocket/pump.py\n+++ b/rocket/pump.py\n@@ -1 +1 @@\n-a\n+{SECRETS[0]}\n",
    test_patch=f"+{SECRETS[1]}",
    hints_text=SECRETS[2],
    fail_to_pass=[SECRETS[3]],
    pass_to_pass=[SECRETS[4]],
)
WHOLE = ContextFile(path="rocket/pump.py", lines=2, windows=(Window(1, "def pump():\n    return 0"),))
PARTS = ContextFile(
    path="rocket/tank.py", lines=90, windows=(Window(3, "a = 1\n\nb = 2"), Window(88, "c = 3")), whole=False
)
NO_FILES = Context(mode=ContextMode.NONE)
SOME_FILES = Context(mode=ContextMode.SEARCH, files=(WHOLE, PARTS), tokens=40, budget=100)
