"""Laws: a diff that git made, damaged in its form, leaves the same tree; damaged in its content, it is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_tui.bench.patches import Failure, judge
from swebench_tui.bench.patches.apply_diff import splice
from swebench_tui.bench.patches.match import Match
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.unified_diff import Hunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.bench.patches.conftest import MakeRepo, Repo

NAME = "src/x.py"
HEADER = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*$", re.MULTILINE)

TOKENS = [
    "",
    "x = 1",
    "    y = 2",
    "\treturn",
    "-- sql",
    "++ i",
    "@@ at",
    "--- a/x",
    "# ü",
    "\\ back",
    "`",
    "```",
    "```py",
]
tokens = st.sampled_from([*TOKENS, "  ", "<patch>"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """A file whose lines are all different, and that file with some lines removed, replaced or put in between."""
    before = [
        f"{draw(tokens)} {number}" if draw(st.booleans()) else f"line {number}"
        for number in range(draw(st.integers(1, 40)))
    ]
    after: list[str] = []
    for line in before:
        kind = draw(st.sampled_from(["keep", "keep", "keep", "keep", "remove", "replace", "insert"]))
        after += [line] if kind in {"keep", "insert"} else []
        after += [draw(tokens) + " new"] if kind in {"replace", "insert"} else []
    if after == before:
        after.append("appended")
    old, new = "\n".join(before) + "\n", "".join(line + "\n" for line in after)
    return (old.removesuffix("\n") if draw(st.booleans()) else old), new


def as_it_is(diff: str) -> str:
    return diff


def without_counts(diff: str) -> str:
    return HEADER.sub("@@ ... @@", diff)


def with_wrong_counts(diff: str) -> str:
    return HEADER.sub(lambda match: f"@@ -{match[1]},3 +{match[3]},90 @@", diff)


def with_wrong_lines(diff: str) -> str:
    return HEADER.sub(
        lambda match: f"@@ -{int(match[1]) + 7},{match[2] or 1} +{int(match[3]) + 2},{match[4] or 1} @@", diff
    )


def without_prefixes(diff: str) -> str:
    return diff.replace(f"a/{NAME}", NAME).replace(f"b/{NAME}", NAME)


def with_absolute_paths(diff: str) -> str:
    return diff.replace(f"a/{NAME}", f"/testbed/{NAME}").replace(f"b/{NAME}", f"/testbed/{NAME}")


def without_git_line(diff: str) -> str:
    return diff[diff.index("--- ") :]


def without_new_name(diff: str) -> str:
    return diff.replace(f"+++ b/{NAME}\n", "", 1)


def with_made_up_index(diff: str) -> str:
    return re.sub(r"^index .*$", "index 1234567..89abcde 100644", diff, flags=re.MULTILINE)


def without_eof_marker(diff: str) -> str:
    return diff.replace("\\ No newline at end of file\n", "")


def without_last_newline(diff: str) -> str:
    return diff.removesuffix("\n")


DAMAGES = [
    as_it_is,
    without_counts,
    with_wrong_counts,
    with_wrong_lines,
    without_prefixes,
    with_absolute_paths,
    without_git_line,
    without_new_name,
    with_made_up_index,
    without_last_newline,
]


def bare(diff: str) -> str:
    return diff


def fenced(diff: str) -> str:
    return f"Words first.\n\n````diff\n{diff}\n````\n\nAnd words last.\n"


def tagged(diff: str) -> str:
    return f"<patch>\n{diff}\n</patch>\n"


def drafted(diff: str) -> str:
    return f"````diff\n--- a/{NAME}\n+++ b/{NAME}\n@@ -1 +1 @@\n-a draft\n+b\n````\nNo:\n{fenced(diff)}"


def in_crlf(diff: str) -> str:
    return fenced(diff).replace("\n", "\r\n")


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    """One repository for all examples; each of them writes its own version of the file."""
    return make_repo({"other.py": "other\n"})


def git_diff(repo: Repo, before: str, after: str) -> str:
    repo.write({NAME: before})
    repo.git("add", NAME)
    repo.write({NAME: after})
    diff = repo.git("diff").decode()
    repo.write({NAME: before})
    return diff


@settings(max_examples=40, deadline=None)
@given(
    edits(),
    st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3, unique=True),
    st.sampled_from([bare, fenced, tagged, drafted, in_crlf]),
)
def test_a_damaged_form_leaves_the_tree_of_the_undamaged_diff(
    repo: Repo, edit: tuple[str, str], damages: list[Callable[[str], str]], around: Callable[[str], str]
) -> None:
    diff = git_diff(repo, *edit)
    damaged = diff
    for damage in damages:
        damaged = damage(damaged)
    verdict = judge(around(damaged), snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}\n{damaged}"
    assert repo.after(verdict.patch) == repo.after(diff)
    if damages == [as_it_is]:
        assert verdict.patch == diff


@settings(max_examples=25, deadline=None)
@given(edits(), st.sampled_from([as_it_is, with_wrong_counts, without_counts]))
def test_a_crlf_file_gets_crlf_lines(repo: Repo, edit: tuple[str, str], damage: Callable[[str], str]) -> None:
    before, after = edit
    expected = after.replace("\n", "\r\n").encode()
    diff = git_diff(repo, before if before.endswith("\n") else before + "\n", after)
    crlf = before if before.endswith("\n") else before + "\n"
    repo.write({NAME: crlf.replace("\n", "\r\n")})
    repo.git("add", NAME)
    verdict = judge(fenced(damage(diff)), snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}"
    assert repo.after(verdict.patch)[NAME] == expected


def old_lines(diff: str) -> list[int]:
    lines = diff.split("\n")
    first = next(index for index, line in enumerate(lines) if line.startswith("@@"))
    return [index for index in range(first, len(lines)) if lines[index][:1] in {" ", "-"} and lines[index][1:].strip()]


@settings(max_examples=40, deadline=None)
@given(edits(), st.data(), st.sampled_from(["changed", "indented", "dropped", "elided"]))
def test_a_damaged_content_is_refused(repo: Repo, edit: tuple[str, str], data: st.DataObject, damage: str) -> None:
    lines = git_diff(repo, *edit).split("\n")
    index = data.draw(st.sampled_from(old_lines("\n".join(lines)) or [0]))
    if index == 0:
        return
    column, text = lines[index][0], lines[index][1:]
    before_and_after = [line for line in (lines[index - 1], lines[index + 1]) if line[:1] == column]
    if damage == "dropped" and len(before_and_after) < 2:
        return  # at the edge of its run, what is left is a smaller and honest hunk
    lines[index : index + 1] = {
        "changed": [column + text + "?"],
        "indented": [f"{column} {text}"],
        "dropped": [],
        "elided": [f"{column}..."],
    }[damage]
    verdict = judge(fenced("\n".join(lines)), snapshot=repo.snapshot)
    assert verdict.status in {"does_not_apply", "partial"}
    assert verdict.prediction() == ""
    assert verdict.failure in {
        "changed": {Failure.CONTEXT_NOT_FOUND, Failure.ALREADY_APPLIED},
        "indented": {Failure.WHITESPACE},
        "dropped": {Failure.CONTEXT_NOT_FOUND, Failure.ALREADY_APPLIED},
        "elided": {Failure.ELISION, Failure.ALREADY_APPLIED},
    }[damage] | ({Failure.MALFORMED} if lines[index - 1].startswith("@@") else set())


@settings(max_examples=25, deadline=None)
@given(edits())
def test_a_block_of_whole_files_produces_the_new_file(repo: Repo, edit: tuple[str, str]) -> None:
    before, after = edit
    diff = git_diff(repo, before if before.endswith("\n") else before + "\n", after)
    repo.write({NAME: before if before.endswith("\n") else before + "\n"})
    search = before if before.endswith("\n") else before + "\n"
    verdict = judge(f"{NAME}\n<<<<<<< SEARCH\n{search}=======\n{after}>>>>>>> REPLACE\n", snapshot=repo.snapshot)
    assert verdict.status == "applies", f"{verdict.failure}: {verdict.detail}"
    assert repo.after(verdict.patch) == repo.after(diff)


@given(st.text("ab\r\n"))
def test_a_text_renders_as_it_was(text: str) -> None:
    assert FileText.parse(text).render() == text


@given(
    st.lists(st.sampled_from("abc"), max_size=8),
    st.lists(st.sampled_from([" ", "-", "+"]), max_size=10),
    st.integers(0, 3),
)
def test_a_splice_replaces_the_old_side_by_the_new(letters: list[str], columns: list[str], index: int) -> None:
    hunk = Hunk(tuple(column + f"{number}" for number, column in enumerate(columns)))
    before = FileText((*letters[:index], *hunk.old, *letters[index:]))
    after, _ = splice(before, [Match(hunk, len(letters[:index]))])
    assert after.lines == (*letters[:index], *hunk.new, *letters[index:])
