"""docs/guided.md agrees with the program: its Python runs, and what it says about settings and limits holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from swebench_tui.bench.guided.guide import MOST_PLACES
from swebench_tui.settings.definitions import GuidedStarter

PAGE = (Path(__file__).parents[1] / "docs" / "guided.md").read_text("utf-8")


def test_the_program_of_the_page_runs() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"# {done.stdout}" in code


def test_the_page_names_every_choice_and_the_number_of_lines() -> None:
    assert [choice for choice in get_args(GuidedStarter) if f"`{choice}`" not in PAGE] == []
    assert {6: "six"}[MOST_PLACES] in PAGE
