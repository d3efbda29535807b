"""CPU and memory of the patch ladder on hostile answers of every shape, at once, twice and four times the size.

    python -m tests.benchmarks.patch_growth [--megabytes 10] [--shape NAME] [--json]

For each shape an answer of a quarter, a half and the whole of the size is judged against a repository whose file
repeats its lines. Prints the CPU of each in seconds, this process and git's together, the ratio of the last to the
first (4 is linear), and the peak of memory at a quarter of the size as a multiple of the answer. Exit status 1: nothing
was measured.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from tests.benchmarks.not_measured import NotMeasuredError

HEADERS = "--- a/x.py\n+++ b/x.py\n"
FENCED = "```diff\n" + HEADERS
_TOKENS = [
    *("```", "```diff", "--- a/x.py", "+++ b/x.py", "@@ -1,2 +1,2 @@", "@@", "<<<<<<< SEARCH", "=======", "<patch>"),
    *(">>>>>>> REPLACE", "</patch>", " a", "-a", "+b", "diff --git a/x.py b/x.py", "x.py", "\\ No newline", "<think>"),
    *("rename from x", "new file mode 100644", "</think>", "*** Begin Patch", "*** Update File: x.py", "- item", ""),
]


def _filled(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda size: before + unit * max(1, (size - len(before) - len(after)) // len(unit)) + after


def _numbered(unit: Callable[[int], str], before: str = "", after: str = "") -> Callable[[int], str]:
    """Units that differ in a number."""

    def make(size: int) -> str:
        units: list[str] = []
        left = size - len(before) - len(after)
        while left > 0:
            units.append(unit(len(units)))
            left -= len(units[-1])
        return before + "".join(units) + after

    return make


def _noise(pieces: list[str], joint: str) -> Callable[[int], str]:
    def make(size: int) -> str:
        length = sum(map(len, pieces)) / len(pieces) + len(joint)
        return joint.join(random.Random(7).choices(pieces, k=int(size / length)))

    return make


SHAPES: dict[str, Callable[[int], str]] = {
    "prose": _filled("It is a long story, and `it` has <no> end -- for now.\n"),
    "empty lines": _filled("\n"),
    "one line": _filled("x"),
    "backticks": _filled("`"),
    "backticks of every length": _numbered(lambda n: "`" * (3 + n % 50) + "\n"),
    "less-than signs": _filled("<"),
    "lines of less-than signs": _filled("<<<<<<< \n"),
    "tags": _filled("<patch>\n"),
    "thoughts": _filled("<think>\n"),
    "thoughts that close": _filled("<think>\nx\n</think>\n"),
    "at signs": _filled("@@"),
    "fences": _filled("```\n"),
    "fences that open": _filled("```diff\n"),
    "fences in fences": _numbered(lambda n: "`" * (3 + n % 200) + "md\n"),
    "indented fences": _numbered(lambda n: " " * (n % 60) + "```diff\n"),
    "fence line of blanks": _filled(" ", "```", "x"),
    "empty diffs": _filled("```diff\n@@\n```\n"),
    "diffs": _filled(f"{FENCED}@@ -1 +1 @@\n-line 1\n+b\n```\n"),
    "different diffs": _numbered(lambda n: f"{FENCED}@@ -{n} +{n} @@\n-line {n % 50}\n+b {n}\n```\n"),
    "diffs of several hunks": _numbered(
        lambda n: (
            (FENCED if n % 10 == 0 else "")
            + f"@@ -{n + 1} +{n + 1} @@\n-line {n % 50}\n+b {n}\n"
            + ("```\n" if n % 10 == 9 else "")
        ),
    ),
    "git lines": _filled("diff --git a/x b/x\n"),
    "file names": _filled(HEADERS),
    "file names of many files": _numbered(lambda n: f"--- a/{n}.py\n+++ b/{n}.py\n@@ -1 +1 @@\n-a\n+b\n"),
    "hunk headers": _filled("@@ -1,3 +1,3 @@\n", FENCED),
    "hunk headers with huge counts": _filled("@@ -1,999999 +1,999999 @@\n a\n", FENCED),
    "hunks": _filled("@@ -1,3 +1,3 @@\n line 1\n-b\n+c\n\n", FENCED),
    "hunks that fit": _numbered(lambda n: f"@@ -{n + 1} +{n + 1} @@\n-line {n % 50}\n+b {n}\n", FENCED, "```\n"),
    "hunks without numbers": _filled("@@ @@\n line 1\n-line 2\n+b\n", FENCED),
    "one hunk of context": _filled(" line 1\n", f"{FENCED}@@ @@\n", "-line 2\n```\n"),
    "one hunk of equal lines": _filled(" same\n", f"{FENCED}@@ -1 +1 @@\n", "-same \n```\n"),
    "one hunk of removed lines": _filled("-same\n", f"{FENCED}@@ @@\n", "```\n"),
    "one hunk of added lines": _filled("+x\n", f"{FENCED}@@\n", "```\n"),
    "one hunk of blanks": _filled(" \n", f"{FENCED}@@ -1,3 +1,3 @@\n-zzz\n", "```\n"),
    "one hunk of changes": _filled("-line 1\n+b\n", f"{FENCED}@@ @@\n", "```\n"),
    "one hunk with elisions": _filled(" ...\n", f"{FENCED}@@ @@\n", "-x\n```\n"),
    "a new file": _filled("+x\n", "```diff\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,3 @@\n", "```\n"),
    "gutters": _numbered(lambda n: f" {n} | line {n % 50}\n", f"{FENCED}@@ @@\n", "```\n"),
    "gutters of blanks": _filled(f" {' ' * 300}1{' ' * 300}x\n", f"{FENCED}@@ @@\n", "```\n"),
    "deep indentation": _numbered(lambda n: " " * (n % 3000) + "x\n", f"{FENCED}@@ @@\n"),
    "blank lines behind hunks": _filled("@@ -1 +1 @@\n-b\n+c\n" + "\n" * 500, HEADERS),
    "bullets behind a diff": _filled("- item\n", f"{HEADERS}@@ -1 +1 @@\n-line 0\n+c\n\n"),
    "no newline markers": _filled("\\ No newline at end of file\n", f"{FENCED}@@ -1 +1 @@\n-a\n+b\n"),
    "long paths": _filled("a/", "```diff\n--- a/", "\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```"),
    "quoted octal": _filled("\\303", '```diff\n--- "a/', '"\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```'),
    "long numbers": _filled("1", "@@ -"),
    "search markers": _filled("<<<<<<< SEARCH\n"),
    "blocks": _filled("x.py\n<<<<<<< SEARCH\nline 1\n=======\nb\n>>>>>>> REPLACE\n"),
    "blocks that fit": _numbered(
        lambda n: f"x.py\n<<<<<<< SEARCH\nunique {n}\n=======\nnew {n}\n>>>>>>> REPLACE\n",
    ),
    "blocks without a name": _numbered(lambda n: f"<<<<<<< SEARCH\nunique {n}\n=======\nnew\n>>>>>>> REPLACE\n\n"),
    "dividers": _filled("=======\n", "x.py\n<<<<<<< SEARCH\n", ">>>>>>> REPLACE\n"),
    "one block": _filled("same\n", "x.py\n<<<<<<< SEARCH\n", "=======\nx\n>>>>>>> REPLACE\n"),
    "whole files": _filled("x.py\n```python\nx\n```\n"),
    "whole files of many names": _numbered(lambda n: f"f{n}.py\n```python\nx\n```\n"),
    "one whole file": _filled("line 1\n", "x.py\n```python\n", "```\n"),
    "apply patch": _filled("*** Update File: x.py\n@@\n-a\n+b\n", "*** Begin Patch\n"),
    "carriage returns": _filled("\r"),
    "crlf": _filled(" same\r\n", f"{FENCED}@@ @@\n"),
    "line separators": _filled("\u2028\x0c\x85"),
    "surrogates": _filled("+\ud800\n", f"{FENCED}@@ -1 +1 @@\n-line 1\n"),
    "nul": _filled("+\0\n", f"{FENCED}@@ -1 +1 @@\n-line 1\n"),
    "labels": _filled("### File: **`a`** ", "", "\n<<<<<<< SEARCH\n"),
    "characters": _noise(list("`~<>=@+- \n\tabdiff/\\\r"), ""),
    "tokens": _noise(_TOKENS, "\n"),
}


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds at a quarter, a half and the whole of the size; the peak of memory by size of the answer."""

    shape: str
    megabytes: float
    seconds: tuple[float, float, float]
    memory: float
    result: str

    @property
    def growth(self) -> float:
        """CPU at four times the size, as a multiple."""
        return self.seconds[2] / max(self.seconds[0], 1e-3)

    def __str__(self) -> str:
        first, second, third = self.seconds
        return (
            f"{self.shape:32s} {first:6.2f} {second:6.2f} {third:6.2f} s  x {self.growth:5.1f}  "
            f"memory x {self.memory:4.1f}  {self.result}"
        )


def measure(shape: str, megabytes: float, folder: Path) -> Measurement:
    """Raises `NotMeasuredError` if an answer was not judged."""
    make = SHAPES[shape]
    seconds, verdicts = list[float](), list[PatchVerdict]()
    for share in (0.25, 0.5, 1.0):
        answer = make(int(megabytes * share * 1e6))
        gc.collect()
        began = _cpu()
        verdicts.append(judge(answer, snapshot=FolderSnapshot(folder)))
        seconds.append(_cpu() - began)
        _check(shape, answer, verdicts[-1], megabytes * share)
    tracemalloc.start()
    try:
        small = make(int(megabytes * 0.25e6))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        judge(small, snapshot=FolderSnapshot(folder))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    first, second, third = seconds
    return Measurement(
        shape=shape,
        megabytes=megabytes,
        seconds=(first, second, third),
        memory=peak / (megabytes * 0.25e6),
        result=" ".join(str(word) for word in (verdicts[-1].status, verdicts[-1].failure) if word),
    )


def _check(shape: str, answer: str, verdict: PatchVerdict, megabytes: float) -> None:
    if not 0.8e6 * megabytes < len(answer) < 1.3e6 * megabytes + 4000:
        raise NotMeasuredError(f"{shape}: an answer of {len(answer)} characters instead of {megabytes} MB")
    if verdict.status == "unchecked":
        raise NotMeasuredError(f"{shape}: {verdict.detail}")


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def repository(scale: float = 1) -> Iterator[Path]:
    """A checkout with a file of 23,000 lines, or `scale` times as many: most lines repeat, some are the only ones."""
    with tempfile.TemporaryDirectory(prefix="patch-growth-") as name:
        folder = Path(name)
        lines = [f"line {number % 50}" for number in range(int(10_000 * scale))]
        lines += ["same"] * int(10_000 * scale) + ["same "]
        lines += [f"unique {number}" for number in range(int(3_000 * scale))]
        (folder / "x.py").write_text("".join(line + "\n" for line in lines))
        for arguments in (["init", "-q", "--template="], ["add", "-A"]):
            subprocess.run(["git", "-C", name, *arguments], check=True, capture_output=True)
        yield folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.patch_growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--shape", choices=SHAPES, action="append", help="may be repeated; default: all")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object per line")
    options = parser.parse_args(arguments)
    try:
        with repository() as folder:
            for shape in options.shape or SHAPES:
                measured = measure(shape, options.megabytes, folder)
                print(msgspec.json.encode(measured).decode() if options.as_json else measured, flush=True)
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
