"""The page about patches lists every status, class, repair and warning, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from swebench_tui.bench.patches import Failure, Repair, Status, WarningCode

PAGE = (Path(__file__).parents[4] / "docs" / "patches.md").read_text("utf-8")


def listed(heading: str) -> list[str]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Status", get_args(Status)),
        ("Failure classes", tuple(Failure)),
        ("Repairs", tuple(Repair)),
        ("Warnings", tuple(WarningCode)),
    ],
)
def test_every_value_has_its_row(heading: str, values: tuple[str, ...]) -> None:
    assert listed(heading) == list(values)


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/patches.md", "exec"), {})  # noqa: S102 - the page's own code
    assert capsys.readouterr().out == "unchecked needs_checkout ('app.py',)\n"
