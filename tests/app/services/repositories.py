"""A task of a real git repository in a folder of clones, for the tests of prompts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.sources import Repositories

FILES = {
    "rocket/__init__.py": "from rocket.pump import start_pump\n",
    "rocket/pump.py": '"""The pump."""\n\n\ndef start_pump(level):\n    return level > 1\n',
    "rocket/tank.py": "class Tank:\n    level = 0\n",
    "rocket/valve.py": "def open_valve():\n    pass\n" * 40,
    "tests/test_pump.py": "def test_pump():\n    assert True\n",
}
GOLD = "--- a/rocket/tank.py\n+++ b/rocket/tank.py\n@@ -1,2 +1,2 @@\n class Tank:\n-    level = 0\n+    level = 2\n"
STRONG = "start_pump is wrong\n\nIt fails in `rocket/pump.py`:\n\n    start_pump(1)\n"
WEAK = "It does not fly\n\nNothing happens when I press the button.\n"


def make_repositories(folder: Path) -> tuple[Repositories, str]:
    """A folder with a clone of acme/rocket, and the one commit in it."""
    clone = folder / "mirror" / "acme__rocket"
    for path, text in FILES.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    _git(clone, "init", "--quiet")
    _git(clone, "add", "--all")
    _git(clone, "-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "--quiet", "--message=base")
    commit = _git(clone, "rev-parse", "HEAD")
    return Repositories(folder=folder / "repositories", mirror=folder / "mirror"), commit


def rocket_task(commit: str, issue: str = STRONG) -> Instance:
    return Instance(
        repo="acme/rocket",
        instance_id="acme__rocket-1",
        base_commit=commit,
        problem_statement=issue,
        patch=GOLD,
        test_patch="+the test patch",
        hints_text="the hints",
    )


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
