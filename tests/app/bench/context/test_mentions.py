"""Files and frames that an issue names, matched with those of the repository."""

from __future__ import annotations

import pytest

from swebench_tui.bench.context.mentions import (
    Frame,
    PathIndex,
    functions_in,
    named_scores,
    traceback_scores,
    tracebacks,
)

PATHS = [
    *("pkg/a/b.py", "pkg/c/b.py", "pkg/only.py", "pkg/__init__.py", "pkg/a/__init__.py", "setup.py", "top.py"),
    *(f"pkg/{folder}/core.py" for folder in "vwxyz"),
]
INDEX = PathIndex(PATHS)


@pytest.mark.parametrize(
    ("written", "matches"),
    [
        ("pkg/a/b.py", {"pkg/a/b.py": 1.0}),
        ("/usr/lib/site-packages/pkg/a/b.py", {"pkg/a/b.py": 1.0}),
        ("C:\\lib\\pkg\\a\\b.py", {"pkg/a/b.py": 1.0}),
        ("./a/b.py", {"pkg/a/b.py": 1.0}),
        ("only.py", {"pkg/only.py": 0.7}),
        ("/home/me/only.py", {"pkg/only.py": 0.7}),
        ("b.py", {"pkg/a/b.py": 0.35, "pkg/c/b.py": 0.35}),
        ("top.py", {"top.py": 1.0}),
        ("core.py", {}),
        ("__init__.py", {}),
        ("setup.py", {}),
        ("a/__init__.py", {"pkg/a/__init__.py": 1.0}),
        ("missing.py", {}),
        ("", {}),
        ("///", {}),
    ],
)
def test_a_written_path_is_found_by_its_end(written: str, matches: dict[str, float]) -> None:
    assert INDEX.matches(written) == pytest.approx(matches)


TRACE = """\
Traceback (most recent call last):
  File "run.py", line 3, in <module>
    main()
  File "/env/lib/pkg/only.py", line 10, in main
    go()
  File "/env/lib/pkg/a/b.py", line 20, in go
    raise ValueError
ValueError
"""


def test_the_last_frame_counts_most() -> None:
    traces = tracebacks(TRACE)
    assert traces == [
        [Frame("run.py", "<module>"), Frame("/env/lib/pkg/only.py", "main"), Frame("/env/lib/pkg/a/b.py", "go")]
    ]
    assert traceback_scores(traces, INDEX) == {"pkg/a/b.py": 1.0, "pkg/only.py": 0.5}
    assert functions_in(traces) == {"main", "go"}


def test_a_frame_outside_of_the_repository_takes_no_place() -> None:
    traces = tracebacks(TRACE + '  File "/usr/lib/python3/json/decoder.py", line 1, in decode\n')
    assert traceback_scores(traces, INDEX)["pkg/a/b.py"] == 1.0


def test_each_traceback_is_counted_from_its_own_end() -> None:
    two = TRACE + "\nDuring handling, another exception occurred:\n\n" + TRACE.replace("a/b.py", "c/b.py")
    scores = traceback_scores(tracebacks(two), INDEX)
    assert (scores["pkg/a/b.py"], scores["pkg/c/b.py"]) == (1.0, 1.0)


def test_frames_in_the_form_of_pytest() -> None:
    assert tracebacks("pkg/a/b.py:12: in go\n    x()\npkg/only.py:3: ValueError\n") == [
        [Frame("pkg/a/b.py", "go"), Frame("pkg/only.py")]
    ]


def test_files_are_named_in_prose_and_by_links() -> None:
    text = "See pkg/only.py, `a/b.py`, notes.txt and mypkg/only.pyx"
    assert named_scores(text, ("pkg/c/b.py",), ("py",), INDEX) == pytest.approx(
        {"pkg/c/b.py": 1.0, "pkg/only.py": 1.0, "pkg/a/b.py": 1.0}
    )


def test_the_work_is_bounded_whatever_an_issue_names() -> None:
    many = PathIndex(f"{number}/same.py" for number in range(5_000))
    text = " ".join(f"{number}/x/same.py" for number in range(20_000)) + "a." * 50_000
    assert named_scores(text, (), ("py",), many) == {}
    assert traceback_scores(tracebacks("same.py:1: " * 50_000), many) == {}
