"""The parts of an answer that a patch can come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.predictions.extracted import extracted_text
from tests.app.bench.predictions.records import DIFF

BLOCK = "f.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"


@pytest.mark.parametrize(
    ("answer", "extracted"),
    [
        (f"Fixed.\n\n```diff\n{DIFF}```\nDone.\n", DIFF.rstrip("\n")),
        (f"```diff\n{DIFF}```\nand\n```diff\n{DIFF}```\n", f"{DIFF}{DIFF}".rstrip("\n")),
        (f"```\nTraceback\n```\n```\n{BLOCK}\n```\n", BLOCK),
        (f"<think>\n```diff\n{DIFF}```\n</think>\nNothing.\n", ""),
        ("```python\nx = 1\n```\n", "x = 1"),
        ("I cannot help.\n", ""),
        ("", ""),
    ],
)
def test_prose_marks_and_thoughts_are_left_out(answer: str, extracted: str) -> None:
    assert extracted_text(answer) == extracted


def test_a_block_in_prose_keeps_its_file_name() -> None:
    assert BLOCK in extracted_text(f"Fixed.\n\n{BLOCK}\n")


LINES = st.sampled_from(
    ["```", "~~~diff", "<patch>", "</patch>", "+a", "x", "<think>", "</think>", *BLOCK.split("\n"), *DIFF.split("\n")]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=30))
def test_extracted_text_adds_nothing_to_the_answer(lines: list[str]) -> None:
    answer = "\n".join(lines)
    extracted = extracted_text(answer)
    assert {line.strip() for line in extracted.split("\n")} <= {line.strip() for line in answer.split("\n")} | {""}
