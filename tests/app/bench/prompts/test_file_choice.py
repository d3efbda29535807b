"""The call in which a model names files: its prompt, and answers of every form."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.prompts.file_choice import MAX_FILES, choice_prompt, read_choice

PATHS = (
    "astropy/modeling/separable.py",
    "astropy/modeling/core.py",
    "astropy/io/core.py",
    "astropy/__init__.py",
    "docs/my page.py",
    "setup.py",
)
FIRST, SECOND = PATHS[:2]

FORMS: dict[str, Callable[[Sequence[str]], str]] = {
    "lines": "\n".join,
    "bullets": lambda paths: "\n".join(f"- {path}" for path in paths),
    "numbers": lambda paths: "\n".join(f"{number}. `{path}`" for number, path in enumerate(paths, 1)),
    "json": json.dumps,
    "json with escapes": lambda paths: json.dumps({"files": paths}).replace("/", "\\/"),
    "fence": lambda paths: "```\n" + "\n".join(paths) + "\n```",
    "prose": lambda paths: f"I would look at {' and then '.join(f'`{path}`' for path in paths)}.",
    "bold": lambda paths: "\n".join(f"* **{path}**: it has the bug" for path in paths),
    "with lines": lambda paths: "\n".join(f"{path}:{number}-{number + 9}" for number, path in enumerate(paths, 1)),
    "commas": ", ".join,
    "dotted": lambda paths: "\n".join(f"./{path}" for path in paths),
    "absolute": lambda paths: "\n".join(f"/testbed/{path}" for path in paths),
    "crlf": "\r\n".join,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_paths_are_read_in_their_order_in_any_form(form: Callable[[Sequence[str]], str]) -> None:
    choice = read_choice(form([SECOND, FIRST]), PATHS)
    assert (choice.files, choice.unknown) == ((SECOND, FIRST), ())


def test_a_path_with_a_space_is_read_from_its_line() -> None:
    assert read_choice("1. docs/my page.py\n- `setup.py`", PATHS).files == ("docs/my page.py", "setup.py")


@pytest.mark.parametrize(
    ("answer", "files", "unknown"),
    [
        ("modeling/separable.py", (FIRST,), ()),
        ("separable.py", (FIRST,), ()),
        ("core.py", (), ()),
        ("src/astropy/modeling/core.py", (SECOND,), ()),
        ("astropy/modeling/: core.py separable.py", (SECOND, FIRST), ()),
        ("astropy/modeling/missing.py\nsetup.py", ("setup.py",), ("astropy/modeling/missing.py",)),
        ("../../etc/passwd.conf", (), ("../../etc/passwd.conf",)),
        ("I cannot help with that. See e.g. the docs.", (), ()),
        ("", (), ()),
    ],
)
def test_every_name_is_checked_against_the_repository(
    answer: str, files: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    choice = read_choice(answer, PATHS)
    assert (choice.files, choice.unknown) == (files, unknown)


def test_a_file_counts_once_and_only_some_are_used() -> None:
    paths = [f"pkg/module_{number}.py" for number in range(30)]
    choice = read_choice("\n".join([*paths, *paths]), paths)
    assert choice.files == tuple(paths[:MAX_FILES])


@given(st.text(max_size=300), st.lists(st.sampled_from(PATHS), max_size=4))
def test_no_answer_names_a_file_that_is_not_there(noise: str, named: list[str]) -> None:
    choice = read_choice(f"{noise}\n" + "\n".join(named), PATHS)
    assert set(choice.files) <= set(PATHS)
    assert set(named) <= set(choice.files)


@pytest.mark.parametrize("shape", ["/" * 100_000, "a/" * 50_000, "`" * 100_000, "x.py " * 20_000, ".py" * 30_000])
def test_a_long_answer_is_read_in_bounded_time(shape: str) -> None:
    import time

    begin = time.process_time()
    read_choice(shape, PATHS)
    assert time.process_time() - begin < 2


def test_the_prompt_has_the_issue_and_the_paths() -> None:
    prompt = choice_prompt("It fails.\r\n", "a.py\nb.py")
    assert prompt.user == "<issue>\nIt fails.\n</issue>\n\n<paths>\na.py\nb.py\n</paths>\n\nWhich files?"
    assert f"{MAX_FILES} at most" in (prompt.system or "")
