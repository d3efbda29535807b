"""Markdown line by line: what is styled, and which few marks are hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swebench_tui.terminal_text import sanitize
from swebench_tui.tui.answer.line import Line, Look
from swebench_tui.tui.answer.markdown import State, format_line
from swebench_tui.tui.answer.wrapping import expand_tabs

LINES_THAT_MATTER = st.sampled_from(
    [
        "",
        "```",
        "````",
        "~~~",
        "```diff",
        "   ```python",
        "- ```",
        "--- a/x.py",
        "+++ b/x.py",
        "@@ -1,2 +1,3 @@",
        "@@ def f",
        " context",
        "-    removed **kwargs",
        "+    added `x`",
        "\\ No newline at end of file",
        "diff --git a/x b/x",
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "# **Title** `code`",
        "- item *emphasis*",
        "  1. **bold `code`**",
        "> quoted *text*",
        "---",
        "    indented *code*",
        "| a | **b** |",
        "<patch>",
        "</think>",
        "[red]x[/] [link](x) \\*escaped\\* __init__ _x_",
        "\x1b[31mred\x1b[0m \x00 \u202e\u2028",
        "👩\u200d👧 日本 e\u0301\r",
        "\tif x:\t# tab",
    ]
)
NASTY_LINE = st.one_of(
    LINES_THAT_MATTER,
    st.text(st.sampled_from("*`a \\_<[>#-+|~=@.1\t\r\x1b\u200d日é")),
    st.text(st.characters(exclude_characters="\n"), max_size=30),
)


def lines(text: str) -> list[Line]:
    state, shown = State(), []
    for source in text.split("\n"):
        line, state = format_line(source, state)
        shown.append(line)
    return shown


def pieces(text: str) -> list[tuple[str, Look]]:
    """The last line of `text`, as the pieces it is shown in."""
    line = lines(text)[-1]
    return [(line.text[span.start : span.end], span.look) for span in line.spans]


def looks(text: str) -> list[Look]:
    """The look each line of `text` begins with."""
    return [line.spans[0].look if line.spans else Look.PLAIN for line in lines(text)]


def is_shown(source: str, shown: str) -> bool:
    """Whether `shown` is `source` without some of its asterisks and backticks."""
    rest = iter(source)
    for character in shown:
        for other in rest:
            if other == character:
                break
            if other not in "*`":
                return False
        else:
            return False
    return set(rest) <= set("*`")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **bold** word", [("a ", Look.PLAIN), ("bold", Look.BOLD), (" word", Look.PLAIN)]),
        ("*it* `co*de*`", [("it", Look.ITALIC), (" ", Look.PLAIN), ("co*de*", Look.CODE)]),
        ("***both***", [("both", Look.BOLD | Look.ITALIC)]),
        ("**a *b* c**", [("a ", Look.BOLD), ("b", Look.BOLD | Look.ITALIC), (" c", Look.BOLD)]),
        ("**`f.py`:** x", [("f.py", Look.BOLD | Look.CODE), (":", Look.BOLD), (" x", Look.PLAIN)]),
        ("``a ` b``", [("a ` b", Look.CODE)]),
        ("这是**重点**内容", [("这是", Look.PLAIN), ("重点", Look.BOLD), ("内容", Look.PLAIN)]),
        (
            "(**a**, *b*)",
            [("(", Look.PLAIN), ("a", Look.BOLD), (", ", Look.PLAIN), ("b", Look.ITALIC), (")", Look.PLAIN)],
        ),
        ("**a *b** c*", [("a *b", Look.BOLD), (" c*", Look.PLAIN)]),
    ],
)
def test_closed_spans_are_styled_without_their_marks(text: str, shown: list[tuple[str, Look]]) -> None:
    assert pieces(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2*3*4 and 2 * 3 * 4",
        "f(*args, **kwargs) calls g(*args, **kwargs)",
        "count(*) + sum(*)",
        "**/*.py is not closed by **/*.txt or /**/",
        "an `open span",
        "``unequal`",
        "**open bold",
        "\\*escaped\\* and \\`escaped\\`",
        "__init__ _under_ snake_case",
        "a **** b",
        "** not bold **",
        "<think>html</think> <br> &amp; [link](http://x) ![img](y) [red]x[/]",
    ],
)
def test_an_unclosed_span_is_shown_as_typed(text: str) -> None:
    assert pieces(text) == [(text, Look.PLAIN)]


@pytest.mark.parametrize(
    ("text", "marker", "rest", "hang"),
    [
        ("# Title", "# ", Look.HEADING, 2),
        ("###### Six", "###### ", Look.HEADING, 7),
        ("- item", "- ", Look.PLAIN, 2),
        ("  * nested", "  * ", Look.PLAIN, 4),
        ("12) numbered", "12) ", Look.PLAIN, 4),
        ("> quote", "> ", Look.QUOTE, 2),
        ("> > deeper", "> > ", Look.QUOTE, 4),
    ],
)
def test_what_marks_a_line_stays_and_sets_the_hanging_indent(text: str, marker: str, rest: Look, hang: int) -> None:
    (first, first_look), (_, second_look) = pieces(text)
    assert (first, second_look, lines(text)[-1].hang) == (marker, rest, hang)
    assert Look.MARKER in first_look


@pytest.mark.parametrize("text", ["---", "* * *", "_____", "```python", "~~~"])
def test_rules_and_fences_stay_as_typed_and_dim(text: str) -> None:
    assert pieces(text) == [(text, Look.MARKER)]


@pytest.mark.parametrize("text", ["#hashtag", "-5 degrees", "1.5 times", "--", "*", "-"])
def test_what_only_resembles_a_mark_is_prose(text: str) -> None:
    assert pieces(text) == [(text, Look.PLAIN)]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("```\n# no *title*\n```\n# title", 2),
        ("````md\n```\nin\n```\n````\nout", 4),
        ("~~~\n```\n~~~\nout", 2),
        ("```\n~~~\n``\n    ```\n```\nout", 4),
        ("- list\n  ```py\n  x\n  ```\nout", 3),
        ("1. ```py\n   x\n   ```\nout", 2),
        ("```not `a fence\n```\nin\n```\nout", 3),
        ("```py\nx", 9),
    ],
)
def test_a_fence_is_closed_by_its_own_kind_only(text: str, ends: int) -> None:
    begins = next(
        index for index, line in enumerate(lines(text)) if line.spans[0].look is Look.MARKER and line.verbatim
    )
    for index, (source, line) in enumerate(zip(text.split("\n"), lines(text), strict=True)):
        if begins < index < ends:
            assert (line.text, line.verbatim, line.spans[0].look) == (source, True, Look.CODE_BLOCK)
        if index > ends:
            assert line.spans[0].look in {Look.PLAIN, Look.MARKER | Look.HEADING}


DIFF = """\
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@ def f():
 keep *this* `thus`

-    - old **kwargs
+    - new **kwargs
\\ No newline at end of file"""
DIFF_LOOKS = [
    Look.FILE,
    Look.FILE,
    Look.HUNK,
    Look.CODE_BLOCK,
    Look.PLAIN,
    Look.REMOVED,
    Look.ADDED,
    Look.MARKER,
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("```diff\n", "\n```"),
        ("```patch\n", ""),
        ("```\n", "\n```"),
        ("```python\n", ""),
        ("", "\ndone"),
        ("<patch>\n", "\n</patch>"),
    ],
)
def test_a_diff_keeps_its_colours_and_characters(before: str, after: str) -> None:
    text = before + DIFF + after
    start = before.count("\n")
    assert looks(text)[start : start + len(DIFF_LOOKS)] == DIFF_LOOKS
    assert "\n".join(line.text for line in lines(text)) == text


@pytest.mark.parametrize("last", ["So it is *fixed*.", "\n- a *point*", "```\n*x*", "# *Title*"])
def test_prose_after_an_unfenced_diff_is_prose_again(last: str) -> None:
    text = f"diff --git a/x b/x\nindex 12..34 100644\n{DIFF}\n{last}"
    assert looks(text)[:2] == [Look.FILE, Look.FILE]
    assert (lines(text)[-1].verbatim, looks(text)[-1]) == (last[0] == "`", looks(last)[-1])


def test_an_expected_empty_line_does_not_end_a_hunk() -> None:
    assert looks("@@ -1,2 +1,3 @@\n a\n\n+    x")[-1] is Look.ADDED
    assert looks("@@ -1 +1 @@\n-a\n+b\n\n- item")[-1] is Look.MARKER


def test_a_fence_in_a_hunk_does_not_close_its_block() -> None:
    text = "```diff\n@@ -1,4 +1,4 @@\n ```py\n-*old*\n+*new*\n ```\n-a\n+b\n```\n*prose*"
    assert looks(text)[4:] == [Look.ADDED, Look.CODE_BLOCK, Look.REMOVED, Look.ADDED, Look.MARKER, Look.ITALIC]


def test_a_diff_inside_a_list_is_a_diff() -> None:
    assert looks("1. Patch:\n   ```diff\n   -a\n   +b\n   ```")[2:] == [Look.REMOVED, Look.ADDED, Look.MARKER]


def test_a_fenced_diff_needs_no_prefixes_or_counts() -> None:
    text = "```diff\n--- x.py\n+++ x.py\n@@ class A @@\n--- old\n+x\nodd\n```"
    assert looks(text)[1:-1] == [Look.FILE, Look.FILE, Look.HUNK, Look.REMOVED, Look.ADDED, Look.CODE_BLOCK]


@pytest.mark.parametrize("count", ["9" * 5_000, "٣", "0", ""])
def test_a_hunk_header_may_have_any_number(count: str) -> None:
    text = f"@@ -1,{count} +1 @@"
    assert [line.text for line in lines(f"{text}\n-a")] == [text, "-a"]


def test_edit_blocks_show_what_goes_and_what_comes() -> None:
    text = "f.py\n```python\n<<<<<<< SEARCH\n- *a*\n```\n=======\n**b**\n>>>>>>> REPLACE\n```\n*end*"
    removed, added = Look.REMOVED, Look.ADDED
    assert looks(text)[2:] == [Look.HUNK, removed, removed, Look.HUNK, added, Look.HUNK, Look.MARKER, Look.ITALIC]
    assert [line.text for line in lines(text)][:-1] == text.split("\n")[:-1]


def test_an_unclosed_edit_block_ends_at_the_next() -> None:
    assert looks("<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\nc")[-1] is Look.REMOVED


def test_a_divider_without_an_edit_block_is_prose() -> None:
    assert looks("Title\n=======\ntext") == [Look.PLAIN] * 3


def test_indented_code_keeps_asterisks_unlike_a_nested_item() -> None:
    assert pieces("text\n\n    f(*a, *b)*c*") == [("    f(*a, *b)*c*", Look.CODE_BLOCK)]
    assert pieces("text\n\n    a\n\n    *b*")[0][1] is Look.CODE_BLOCK
    assert pieces("- item\n\n    - *nested*")[-1] == ("nested", Look.ITALIC)
    assert pieces("- item\n\ntext\n\n    *code*")[0][1] is Look.CODE_BLOCK
    assert pieces("text\n    *goes on*")[-1] == ("goes on", Look.ITALIC)


def test_tables_keep_their_columns() -> None:
    line = lines("| **a** | `b` |")[0]
    assert (line.text, line.verbatim) == ("| **a** | `b` |", True)


def test_trailing_carriage_returns_are_hidden_and_tabs_become_spaces() -> None:
    assert [line.text for line in lines("a\r\n\tb\rc")] == ["a", "    b␍c"]


def test_a_very_long_line_is_shown_as_typed() -> None:
    text = "**x** `y` " * 2_000
    assert pieces(text) == [(text, Look.PLAIN)]


@pytest.mark.parametrize("mark", ["*a ", "**a ", "` `` ", "*", "`", "\\*", "- ", "|", "> ", "1. "])
def test_hostile_repetition_is_formatted_in_passing(mark: str) -> None:
    assert is_shown(mark * 5_000, lines(mark * 5_000)[0].text)
    assert is_shown(mark * 900, lines(mark * 900)[0].text)


@given(st.lists(NASTY_LINE, max_size=12))
@example(["```diff", "@@ -1,9 +1,9 @@", " ```", "**a**", "```", "**b**"])
@example(["<<<<<<< SEARCH", "`a`", "```", "=======", "*b*", ">>>>>>> REPLACE", "*c*"])
def test_nothing_but_asterisks_and_backticks_is_ever_hidden(sources: list[str]) -> None:
    for source, line in zip(sources, lines("\n".join(sources)), strict=False):
        typed = expand_tabs(sanitize(source.removesuffix("\r")))
        assert line.text == typed if line.verbatim else is_shown(typed, line.text)
        assert "".join(line.text[span.start : span.end] for span in line.spans) == line.text
        assert 0 <= line.hang <= len(line.text)


@given(st.lists(NASTY_LINE, max_size=12), st.lists(NASTY_LINE, max_size=3))
def test_later_text_changes_no_earlier_line(sources: list[str], later: list[str]) -> None:
    text = "\n".join(sources)
    assert lines("\n".join([text, *later]))[: len(sources)] == lines(text)[: len(sources)]


OUTPUTS = Path(__file__).parents[4] / ".." / "shared" / "data" / "model_outputs.jsonl"
ANSWERS = [json.loads(row)["raw_text"] for row in OUTPUTS.read_text().splitlines()] if OUTPUTS.exists() else []


@pytest.mark.shared_data
@pytest.mark.parametrize("answer", ANSWERS)
def test_real_answers_keep_every_line_of_their_patches(answer: str) -> None:
    shown = lines(answer)
    for source, line in zip(answer.split("\n"), shown, strict=True):
        assert is_shown(expand_tabs(sanitize(source.removesuffix("\r"))), line.text)
        if source.startswith(("--- a/", "+++ b/", "@@ ", "+", "-    ", "<<<<<<<", ">>>>>>>")):
            assert line.verbatim
