"""Thoughts are no candidates, and tags in files are no thoughts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, WarningCode, judge
from swebench_tui.bench.patches.thoughts import remove_thoughts
from tests.app.bench.patches.sample import BLOCK, FILES, ONE, THREE, WITH_ONE, assert_leaves, fence

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

DRAFT = "Perhaps here:\n" + fence(THREE) + "No, not there.\n"

AROUND = {
    "think": "<think>\n{}</think>\n",
    "think on one line": "<think>{}</think>",
    "thinking": "<thinking>\n{}</thinking>\n\n",
    "thought": "<thought>\n{}</thought>\n",
    "reasoning": "<reasoning>\n{}</reasoning>\n",
    "in capitals": "<THINK>\n{}</THINK>\n",
    "the end alone": "{}</think>\n",
    "the end behind words": "{}So be it.</think>\n",
    "brackets": "[THINK]\n{}[/THINK]\n",
    "harmony": "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "harmony without tokens": "analysisWe look. {}assistantfinal",
    "two of them": "<think>a</think>\nWords.\n<think>\n{}</think>\n",
    "an open fence in it": "<think>\n{}```python\nx = 1\n</think>\n",
}


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"tags.txt": "<think>\nx\n</think>\n"})


@pytest.mark.parametrize("around", AROUND)
def test_a_draft_in_a_thought_is_no_part(around: str, repo: Repo) -> None:
    for final in (fence(ONE), f"app/x.py\n{BLOCK}"):
        answer = AROUND[around].format(DRAFT) + final
        verdict = assert_leaves(repo, answer, {"app/x.py": WITH_ONE})
        assert [warning.code for warning in verdict.warnings] == [WarningCode.THOUGHTS]
        assert verdict.dropped[-1].reason == "the model's thoughts"


@pytest.mark.parametrize("around", [*AROUND, "unclosed"])
def test_a_patch_in_a_thought_alone_is_none(around: str, repo: Repo) -> None:
    answer = (AROUND | {"unclosed": "<think>\n{}"})[around].format(DRAFT) + "I found no way.\n"
    verdict = judge(answer, snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("no_patch", Failure.PROSE_ONLY)
    assert "outside of the model's thoughts" in verdict.detail


FILE_TEXT = [
    '```diff\n--- a/y.py\n+++ b/y.py\n@@ -1 +1,2 @@\n+OPEN = "<think>"\n a = 1\n```\n',
    "```diff\n--- a/tags.txt\n+++ b/tags.txt\n@@ -1,3 +1,3 @@\n <think>\n-x\n+y\n </think>\n```\n",
    "tags.txt\n<<<<<<< SEARCH\n<think>\nx\n</think>\n=======\n<think>\ny\n</think>\n>>>>>>> REPLACE\n",
    "tags.txt\n```\n<think>\ny\n</think>\n```\n",
    "The closing `</think>` stays:\n" + fence(ONE),
    "<think> is not closed in the template:\n" + fence(ONE),
    fence(ONE) + "\n2. <think>Tags</think> and [b]markup[/b] are text.\n",
    fence(ONE) + "\nThe model sometimes writes </think> in the middle of a sentence.\n",
]


@pytest.mark.parametrize("answer", FILE_TEXT)
def test_a_tag_in_a_file_is_no_thought(answer: str, repo: Repo) -> None:
    answer = "Sure.\n" + answer
    assert remove_thoughts(answer).answer == answer
    assert judge(answer, snapshot=repo.snapshot).status == "applies"


pieces = st.sampled_from(
    ["<think>", "</think>", "```", "```py", "a", "+b", "", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "x</think>y"]
)


@given(st.lists(pieces, max_size=30))
def test_lines_keep_their_numbers_without_thoughts(lines: list[str]) -> None:
    answer = "\n".join(lines)
    found = remove_thoughts(answer)
    assert found.answer.count("\n") == answer.count("\n")
    kept = found.answer.split("\n")
    assert all(line.endswith(kept[index]) for index, line in enumerate(answer.split("\n")))
