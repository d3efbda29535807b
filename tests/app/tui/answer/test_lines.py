"""The lines of an answer do not depend on how its text was cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swebench_tui.tui.answer.line import Look
from swebench_tui.tui.answer.lines import AnswerLines

TEXT = st.one_of(
    st.text(st.sampled_from("`*-+@<>=~#| \n\r\tab\x1b\u2028é日"), max_size=80),
    st.lists(
        st.sampled_from(
            [
                "```",
                "```diff\n",
                "--- a/x\n",
                "@@ -1 +1 @@\n",
                "+**a**",
                "\r",
                "\n",
                "<<<<<<< SEARCH\n",
                "=======\n",
                "`b`",
            ]
        )
    ).map("".join),
)


def filled(*pieces: tuple[str, str]) -> AnswerLines:
    """An answer made of (kind, text) pieces."""
    answer = AnswerLines()
    for kind, text in pieces:
        answer.append_reasoning(text) if kind == "reasoning" else answer.append(text)
    return answer


def shown(answer: AnswerLines) -> list[str]:
    return [line.text for line in answer.lines]


@given(TEXT, st.lists(st.integers(0, 80)))
@example("```diff\r\n+**a**\r\n```\r\n*b*", list(range(80)))
def test_lines_and_styles_do_not_depend_on_cuts(text: str, cuts: list[int]) -> None:
    edges = sorted({0, *cuts, len(text)} & set(range(len(text) + 1)))
    cut = filled(*(("answer", text[a:b]) for a, b in pairwise(edges)))
    assert (cut.lines, cut.text) == (filled(("answer", text)).lines, text)


@given(st.lists(st.tuples(st.sampled_from(["answer", "reasoning"]), TEXT), max_size=5), st.data())
def test_reasoning_may_be_cut_anywhere_too(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    halves = []
    for kind, text in pieces:
        cut = data.draw(st.integers(0, len(text)))
        halves += [(kind, text[:cut]), (kind, text[cut:])]
    whole, cut_up = filled(*pieces), filled(*halves)
    assert cut_up.lines == whole.lines
    assert cut_up.text == "".join(text for kind, text in pieces if kind == "answer")
    assert cut_up.reasoning == "".join(text for kind, text in pieces if kind == "reasoning")


@given(st.lists(st.tuples(st.sampled_from(["answer", "reasoning"]), TEXT), max_size=8))
def test_lines_before_the_returned_index_are_as_they_were(pieces: list[tuple[str, str]]) -> None:
    answer = AnswerLines()
    for kind, text in pieces:
        before = list(answer.lines)
        changed = answer.append_reasoning(text) if kind == "reasoning" else answer.append(text)
        assert all(old is new for old, new in zip(before[:changed], answer.lines, strict=False))
        assert len(answer.lines) >= changed


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\n\n", ["a", ""]), ("\n", [""]), ("a\u2028b\x0bc", ["a�b␋c"])],
)
def test_only_a_line_feed_ends_a_line(text: str, lines: list[str]) -> None:
    assert shown(filled(("answer", text))) == lines


def test_reasoning_and_answer_have_their_own_titles() -> None:
    answer = filled(("reasoning", "let me *see*"), ("reasoning", " more\n"), ("answer", "# Fix"))
    assert shown(answer) == ["── thinking ──", "let me *see* more", "── answer ──", "# Fix"]
    assert [line.spans[0].look for line in answer.lines[:3]] == [Look.MARKER, Look.REASONING, Look.MARKER]
    assert (answer.text, answer.reasoning) == ("# Fix", "let me *see* more\n")


def test_reasoning_inside_an_answer_keeps_its_code_block() -> None:
    answer = filled(("answer", "```py\n*a*"), ("reasoning", "# hm"), ("answer", "*b*\n```\n*c*"))
    assert shown(answer) == ["```py", "*a*", "── thinking ──", "# hm", "── answer ──", "*b*", "```", "c"]
    assert answer.text == "```py\n*a**b*\n```\n*c*"
    assert shown(filled(("answer", "```"), ("reasoning", "hm"), ("answer", "*b*")))[-1] == "*b*"


def test_an_empty_piece_changes_nothing() -> None:
    answer = filled(("answer", "a"))
    assert answer.append_reasoning("") == 1
    assert shown(answer) == ["a"]
