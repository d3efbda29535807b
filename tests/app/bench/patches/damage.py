"""Every way in which models spoil the form or the content of a diff, and what the ladder owes to it.

Each damage takes a diff as git writes it and returns an answer, or None where it does not apply to this diff.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from swebench_tui.bench.patches import Failure

RANGE = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$")
NAMES = ("--- ", "+++ ")
AMBIGUOUS = frozenset({Failure.CONTEXT_AMBIGUOUS})


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """One damage. `wrong`: it spoils the content, so the diff is refused, with one of these classes.

    `allowed`: classes with which a diff may be refused although only its form is damaged. `cut`: the answer ended at
    the output limit. `onto_result`: the answer is for the files as the diff leaves them.
    """

    name: str
    make: Callable[[str], str | None]
    wrong: frozenset[Failure] = frozenset()
    allowed: frozenset[Failure] = frozenset()
    cut: bool = False
    onto_result: bool = False


def body(diff: str) -> Iterator[tuple[int, str]]:
    """Index and text of every line of a hunk, by the counts of its header."""
    old = new = 0
    for index, line in enumerate(diff.split("\n")):
        if old > 0 or new > 0 or line.startswith("\\"):
            yield index, line
            old -= line[:1] in {" ", "-"}
            new -= line[:1] in {" ", "+"}
        elif numbers := RANGE.match(line):
            old, new = int(numbers[2] or 1), int(numbers[4] or 1)


def with_lines(diff: str, change: Callable[[str], str], columns: str) -> str | None:
    """The diff with `change` made to the lines of its hunks in these columns; None where that changes nothing."""
    lines = diff.split("\n")
    for index, line in body(diff):
        if line[:1] in columns:
            lines[index] = change(line)
    changed = "\n".join(lines)
    return None if changed == diff else changed


def with_headers(diff: str, change: Callable[[str], str | None]) -> str | None:
    """The diff with `change` made to its other lines, where None removes a line; None where that changes nothing."""
    inside = {index for index, _ in body(diff)}
    lines = [line if index in inside else change(line) for index, line in enumerate(diff.split("\n"))]
    changed = "\n".join(line for line in lines if line is not None)
    return None if changed == diff else changed


def fence(diff: str, info: str = "diff") -> str:
    return f"I found it.\n\n````{info}\n{diff}````\n\nThat is all.\n"


def fenced(damage: Callable[[str], str | None]) -> Callable[[str], str | None]:
    def make(diff: str) -> str | None:
        damaged = damage(diff)
        return None if damaged is None else fence(damaged)

    return make


def without(*prefixes: str) -> Callable[[str], str | None]:
    """Without the header lines that start with one of `prefixes`."""
    return fenced(lambda diff: with_headers(diff, lambda line: None if line.startswith(prefixes) else line))


def without_git_lines(diff: str) -> str | None:
    lines_that_count = re.search(r"^(?:rename |old mode |new file |deleted file )", diff, re.MULTILINE)
    return None if lines_that_count else with_headers(diff, lambda line: None if line.startswith("diff ") else line)


def index_lines(index: str) -> Callable[[str], str | None]:
    return fenced(lambda diff: with_headers(diff, lambda line: index if line.startswith("index ") else line))


def ranges(form: Callable[[re.Match[str]], str]) -> Callable[[str], str | None]:
    return fenced(lambda diff: with_headers(diff, lambda line: form(found) if (found := RANGE.match(line)) else line))


def three_lines_off(numbers: re.Match[str]) -> str:
    old, new = int(numbers[1]) + 3, int(numbers[3]) + 3
    return f"@@ -{old},{numbers[2] or 1} +{new},{numbers[4] or 1} @@{numbers[5]}"


def paths(form: Callable[[str, str], str]) -> Callable[[str], str | None]:
    """Every path of the headers that git prefixes, as `form` of prefix and path."""

    def change(line: str) -> str:
        if line.startswith("diff --git "):
            old, _, new = line.removeprefix("diff --git a/").partition(" b/")
            return f"diff --git {form('a/', old)} {form('b/', new)}"
        prefix = line[4:6]
        return line[:4] + form(prefix, line[6:]) if line.startswith(NAMES) and prefix in {"a/", "b/"} else line

    return fenced(lambda diff: None if '"' in diff or "rename " in diff else with_headers(diff, change))


def numbered(diff: str) -> str | None:
    """The diff with a line-number gutter in its old and its added lines."""
    lines, number = diff.split("\n"), 0
    inside = dict(body(diff))
    for index, line in enumerate(lines):
        if (found := RANGE.match(line)) and index not in inside:
            number = int(found[1])
        elif index in inside and line[:1] in {" ", "-", "+"}:
            lines[index] = f"{line[0]}{number:5d} | {line[1:]}"
            number += line[0] != "+"
    return "\n".join(lines) if "\n-" in diff or "\n " in diff else None


def first_old(diff: str, change: Callable[[str], str]) -> str | None:
    """The diff with the first old line of more than blanks changed."""
    lines = diff.split("\n")
    index = next((index for index, line in body(diff) if line[:1] in {" ", "-"} and len(line[1:].strip()) > 3), None)
    if index is None:
        return None
    lines[index] = lines[index][0] + change(lines[index][1:])
    return "\n".join(lines)


def indented_by_tabs(diff: str) -> str | None:
    def change(line: str) -> str:
        text = line[1:].lstrip(" ")
        depth = len(line) - 1 - len(text)
        return line[0] + "\t" * (depth // 4) + " " * (depth % 4) + text

    return None if "\t" in diff else with_lines(diff, change, " -")


def draft_first(diff: str) -> str:
    draft = with_lines(diff, lambda line: line + " # draft", "+") or with_lines(diff, lambda line: line + " # x", "-")
    return f"A first attempt:\n{fence(draft or diff)}\nThat is wrong. The final patch:\n{fence(diff)}"


def one_fence_each(diff: str) -> str | None:
    """Each hunk in a fence of its own, under the names of its file."""
    names, hunks, starts = "", list[str](), list[str]()
    lines, inside = diff.split("\n"), {index for index, _ in body(diff)}
    for index, line in enumerate(lines):
        if index in inside:
            hunks[-1] += line + "\n"
        elif line.startswith("--- "):
            names = f"{line}\n{lines[index + 1]}\n"
        elif RANGE.match(line):
            hunks.append(line + "\n")
            starts.append(names)
    if len(hunks) < 2 or "rename " in diff or "/dev/null" in diff:
        return None
    return "\nThen:\n".join(fence(start + hunk) for start, hunk in zip(starts, hunks, strict=True))


def cut_inside(diff: str) -> str:
    return "The patch:\n\n```diff\n" + diff[: diff.rindex("\n@@ ") + 3 * (len(diff) - diff.rindex("\n@@ ")) // 4]


def missing_file(_prefix: str, path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{_prefix}{folder}/not_{name}".replace("//", "/") if folder else f"{_prefix}not_{name}"


def without_last_newline(diff: str) -> str:
    return f"The patch:\n\n```diff\n{diff.removesuffix(chr(10))}"


FORMS = [
    Damage(name="none", make=lambda diff: diff),
    Damage(name="fence and prose", make=fence),
    Damage(name="plain fence", make=lambda diff: fence(diff, "")),
    Damage(name="tags", make=lambda diff: f"<patch>\n{diff}</patch>\n"),
    Damage(name="crlf answer", make=lambda diff: fence(diff).replace("\n", "\r\n")),
    Damage(name="wrong counts", make=ranges(lambda found: f"@@ -{found[1]},3 +{found[3]},90 @@{found[5]}")),
    Damage(name="no counts", make=ranges(lambda _: "@@ @@"), allowed=AMBIGUOUS),
    Damage(name="no counts but dots", make=ranges(lambda found: f"@@ ... @@{found[5]}"), allowed=AMBIGUOUS),
    Damage(
        name="wrong lines",
        make=ranges(three_lines_off),
        allowed=AMBIGUOUS,
    ),
    Damage(name="blank context", make=fenced(lambda diff: with_lines(diff, lambda line: line.strip() and line, " "))),
    Damage(name="no last newline", make=without_last_newline),
    Damage(
        name="no --- line",
        make=fenced(lambda diff: with_headers(diff, lambda line: None if line[:4] == "--- " else line)),
    ),
    Damage(
        name="no +++ line",
        make=fenced(lambda diff: with_headers(diff, lambda line: None if line[:4] == "+++ " else line)),
    ),
    Damage(
        name="no names", make=fenced(lambda diff: with_headers(diff, lambda line: None if line[:4] in NAMES else line))
    ),
    Damage(
        name="no git line",
        make=fenced(
            lambda diff: (
                diff
                if "rename " in diff or " mode " in diff
                else re.sub(r"^diff --git .*\n", "", diff, flags=re.MULTILINE)
            )
        ),
    ),
    Damage(name="no prefixes", make=paths(lambda _, path: path)),
    Damage(name="testbed paths", make=paths(lambda prefix, path: f"{prefix}testbed/{path}")),
    Damage(name="absolute paths", make=paths(lambda _, path: f"/testbed/{path}")),
    Damage(name="dot paths", make=paths(lambda _, path: f"./{path}")),
    Damage(name="made-up index", make=index_lines("index 1234567..89abcde 100644")),
    Damage(name="placeholder index", make=index_lines("index xxxxxxx..yyyyyyy")),
    Damage(name="line numbers", make=fenced(numbered)),
    Damage(name="draft and final", make=draft_first),
    Damage(name="fence in a fence", make=lambda diff: f"`````markdown\n{fence(diff)}`````\n"),
    Damage(name="one fence for each hunk", make=one_fence_each),
    Damage(name="two patches of one", make=lambda diff: fence(diff) + "\nOnce more, in full:\n" + fence(diff)),
]

CONTENTS = [
    Damage(
        name="tabs",
        make=fenced(indented_by_tabs),
        wrong=frozenset({Failure.TABS_AS_SPACES, Failure.ALREADY_APPLIED, Failure.WHITESPACE}),
    ),
    Damage(
        name="elision",
        make=fenced(lambda diff: first_old(diff, lambda _: "...")),
        wrong=frozenset({Failure.ELISION, Failure.ALREADY_APPLIED}),
    ),
    Damage(
        name="context that is not there",
        make=fenced(lambda diff: first_old(diff, lambda text: text + " and this_is_not_in_the_file()")),
        wrong=frozenset({Failure.CONTEXT_NOT_FOUND, Failure.ALREADY_APPLIED}),
    ),
    Damage(
        name="indentation",
        make=fenced(lambda diff: first_old(diff, lambda text: "   " + text)),
        wrong=frozenset({Failure.WHITESPACE, Failure.TABS_AS_SPACES, Failure.ALREADY_APPLIED}),
    ),
    Damage(name="file that is not there", make=paths(missing_file), wrong=frozenset({Failure.FILE_NOT_FOUND})),
    Damage(
        name="already applied",
        make=fence,
        wrong=frozenset({Failure.ALREADY_APPLIED, Failure.FILE_EXISTS, Failure.FILE_NOT_FOUND}),
        onto_result=True,
    ),
    Damage(
        name="binary",
        make=lambda diff: fence(f"diff --git a/x.png b/x.png\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n{diff}"),
        wrong=frozenset({Failure.BINARY}),
    ),
    Damage(name="cut off", make=cut_inside, wrong=frozenset({Failure.TRUNCATED}), cut=True),
]
