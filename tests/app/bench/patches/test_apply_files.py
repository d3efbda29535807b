"""Which fences are whole files, and which only quote one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swebench_tui.bench.patches import Failure, WarningCode, judge
from tests.app.bench.patches.sample import CODE, FILES, SMALL, WITH_ONE, assert_leaves

if TYPE_CHECKING:
    from tests.app.bench.patches.conftest import MakeRepo, Repo

LINES = CODE.splitlines(keepends=True)
NUMBERS = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture(scope="module")
def repo(make_repo: MakeRepo) -> Repo:
    return make_repo(FILES | {"numbers.txt": NUMBERS})


def whole(text: str, name: str = "app/x.py", info: str = "python") -> str:
    return f"{name}\n```{info}\n{text}```\n"


PARTS = {
    "a function": "".join(LINES[3:6]),
    "a changed function": "".join(LINES[3:6]).replace("a - b", "a + b"),
    "the first half": "".join(LINES[:12]).replace("a - b", "a + b"),
    "the last half": "".join(LINES[8:]).replace("c * 2", "c * 3"),
    "without its last name": WITH_ONE.replace("LIMIT = 10\n", ""),
    "without a function": WITH_ONE.replace("".join(LINES[8:14]), ""),
    "other text": "x = 1\n" * 30,
    "all lines but the first three": "".join(LINES[3:]),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_file_does_not_replace_it(part: str, repo: Repo) -> None:
    verdict = judge(whole(PARTS[part]), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure, verdict.patch) == ("does_not_apply", Failure.PARTIAL_FILE, "")
    assert "treated as a part of the file" in verdict.detail


@pytest.mark.parametrize(("first", "last"), [(1, 16), (1, 29), (2, 30), (10, 25), (5, 30)])
def test_consecutive_lines_of_a_file_do_not_replace_it(first: int, last: int, repo: Repo) -> None:
    text = "".join(f"line {number}\n" for number in range(first, last + 1))
    verdict = judge(whole(text, "numbers.txt", ""), snapshot=repo.snapshot)
    assert verdict.failure is Failure.PARTIAL_FILE


OUTPUT = [
    'Traceback (most recent call last):\n  File "y.py", line 1, in <module>\nNameError: name\n',
    "NameError: name 'x' is not defined\n",
    "$ python y.py\nbroken\n",
    "y.py:1: error: Name is not defined\n",
    "FAILED y.py::test_a - assert 0\n",
    "======== 1 failed, 2 passed in 0.1s ========\n",
    ">>> import y\n>>> y.a\n1\n",
    "bash: y.py: command not found\n",
    "fatal: not a git repository\n",
]


@pytest.mark.parametrize("output", OUTPUT)
@pytest.mark.parametrize("name", ["y.py", "new.py"])
def test_output_is_no_file(output: str, name: str, repo: Repo) -> None:
    verdict = judge(whole(output, name, ""), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("no_patch", Failure.NO_DIFF)


def test_diff_lines_without_a_hunk_are_no_file(repo: Repo) -> None:
    verdict = judge(whole("-a = 1\n+a = 9\nb = 2\nc = 3\n", "y.py"), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("does_not_apply", Failure.MALFORMED)


def test_a_whole_file_tells_how_many_lines_it_removes(repo: Repo) -> None:
    verdict = assert_leaves(repo, whole(WITH_ONE), {"app/x.py": WITH_ONE})
    (warning,) = verdict.warnings
    assert warning.code is WarningCode.WHOLE_FILE
    assert warning.text == "app/x.py is replaced as a whole, which removes 1 line"
    longer = WITH_ONE.replace("    items = []\n", "").replace("        items.append(i)\n", "        yield i\n")
    assert "removes 3 lines" in assert_leaves(repo, whole(longer), {"app/x.py": longer}).detail


def test_an_unchanged_whole_file_is_no_patch(repo: Repo) -> None:
    verdict = judge(whole(CODE), snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure) == ("no_patch", Failure.NO_CHANGE)


def test_files_that_fit_beside_a_quote_are_partial(repo: Repo) -> None:
    answer = whole(SMALL.replace("a = 1", "a = 9"), "y.py") + whole(PARTS["a function"])
    verdict = judge(answer, snapshot=repo.snapshot)
    assert (verdict.status, verdict.failure, verdict.files) == ("partial", Failure.PARTIAL_FILE, ("y.py",))
