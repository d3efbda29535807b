"""Files as a prompt shows them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.context import ContextFile, Window
from swebench_tui.bench.context.corpus import lines_in
from swebench_tui.bench.context.markup import number_lines, render_file, render_files
from swebench_tui.bench.patches.match import _GUTTER

WHOLE = ContextFile("pkg/a.py", 2, (Window(1, "a = 1\nb = 2\n"),))
PARTS = ContextFile("pkg/b.py", 310, (Window(12, "a\n\n  b\n"), Window(200, "c\n")), whole=False)


def test_a_whole_file() -> None:
    assert render_file(WHOLE) == '<file path="pkg/a.py">\na = 1\nb = 2\n</file>'


def test_each_window_names_its_lines() -> None:
    assert render_file(PARTS) == (
        '<file path="pkg/b.py" lines="12-14 of 310">\na\n\n  b\n</file>\n\n'
        '<file path="pkg/b.py" lines="200-200 of 310">\nc\n</file>'
    )


def test_lines_with_their_numbers() -> None:
    assert render_file(PARTS, numbered=True) == (
        '<file path="pkg/b.py" lines="12-14 of 310">\n12| a\n13|\n14|   b\n</file>\n\n'
        '<file path="pkg/b.py" lines="200-200 of 310">\n200| c\n</file>'
    )


def test_an_empty_file() -> None:
    assert render_file(ContextFile("a.py", 0, (Window(1, ""),))) == '<file path="a.py">\n</file>'
    assert render_file(ContextFile("a.py", 0, ())) == '<file path="a.py">\n</file>'


def test_files_are_divided_by_a_blank_line() -> None:
    assert render_files([WHOLE, WHOLE]) == f"{render_file(WHOLE)}\n\n{render_file(WHOLE)}"
    assert render_files([]) == ""


@given(st.lists(st.sampled_from(["</file>", "<file path='b.py'>", "</file2>", "</file 2>", "x", "\n", "<file3>"])))
def test_no_text_can_end_its_own_file(parts: list[str]) -> None:
    text = "".join(parts)
    rendered = render_file(ContextFile("a.py", 1, (Window(1, text),)))
    opening = re.match(r"<(file\d*) ", rendered)
    assert opening
    assert rendered.count(f"</{opening[1]}>") == 1
    assert rendered.endswith(f"</{opening[1]}>")
    assert text.removesuffix("\n") in rendered


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=9), max_size=5), st.integers(1, 10_000))
def test_the_patch_check_knows_the_numbers(lines: list[str], first: int) -> None:
    text = "".join(f"{line}\n" for line in lines)
    numbered = number_lines(text, first)
    found = [_GUTTER.match(line) for line in lines_in(numbered)] if lines else []
    assert [(int(match[2]), match[3]) for match in found if match] == list(enumerate(lines, first))
