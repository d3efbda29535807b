"""Files cut into blocks, and the order of the blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.context.blocks import LONGEST, SHORTEST, Block, Source, cut, order, whole
from swebench_tui.bench.context.errors import never
from swebench_tui.bench.context.ranking import read_question

BODY = ["    pass"] * 12
LINE = st.sampled_from(
    ["class A:", "    def f(self):", "def g():", "        x = 1", "", "@wraps", "# why", "\tdef h():"]
)


def source(*lines: str, path: str = "pkg/a.py", score: float = 1.0) -> Source:
    return Source(path, lines, score)


@given(st.lists(LINE, max_size=300), st.sampled_from(["pkg/a.py", "pkg/a.rs", "a.txt"]))
def test_blocks_cover_every_line_once(lines: list[str], path: str) -> None:
    blocks = cut(3, source(*lines, path=path))
    assert [line for block in blocks for line in range(block.first, block.last + 1)] == list(range(1, len(lines) + 1))
    assert all(block.source == 3 for block in blocks)
    assert all(block.last - block.first < LONGEST for block in blocks)
    assert all(block.last - block.first + 1 >= SHORTEST for block in blocks[:-1])


def test_a_block_begins_with_the_decorators_and_comments_above_it() -> None:
    lines = ["import os", *BODY, "# why", "@wraps", "def f():", *BODY, "class A:", *BODY]
    assert cut(0, source(*lines)) == [Block(0, 1, 13), Block(0, 14, 28), Block(0, 29, 41)]


def test_a_short_block_joins_the_next() -> None:
    lines = ["import os", "class A:", "    def f(self):", *BODY, "    def g(self):", *BODY]
    assert cut(0, source(*lines)) == [Block(0, 1, 15), Block(0, 16, 28)]


def test_a_long_block_is_split() -> None:
    assert cut(0, source("def f():", *BODY * 10)) == [Block(0, 1, 60), Block(0, 61, 120), Block(0, 121, 121)]


def test_what_the_issue_names_comes_first() -> None:
    lines = ["def alpha():", *BODY, "def beta():", *BODY, "def gamma():", *BODY]
    blocks = cut(0, source(*lines))
    question = read_question("Something about `beta`")
    assert order([source(*lines)], blocks, question, should_stop=never)[0] == blocks[1]


def test_the_words_of_the_issue_count() -> None:
    lines = ["def alpha():", *BODY, "def beta():", *["    overlap = spans"] * 12, "def gamma():", *BODY]
    blocks = cut(0, source(*lines))
    question = read_question("Spans overlap")
    assert order([source(*lines)], blocks, question, should_stop=never)[0] == blocks[1]


def test_the_order_of_equals_is_that_of_the_ranking() -> None:
    sources = [source(*BODY, path=path) for path in ("b.py", "a.py")]
    blocks = [whole(number, each) for number, each in enumerate(sources)]
    assert order(sources, blocks[::-1], read_question("nothing"), should_stop=never) == blocks


def test_a_better_file_comes_first() -> None:
    sources = [source(*BODY, score=1.0), source(*BODY, path="b.py", score=0.4)]
    blocks = [whole(number, each) for number, each in enumerate(sources)]
    assert order(sources, blocks, read_question("pass"), should_stop=never) == blocks
