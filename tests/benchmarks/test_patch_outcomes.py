"""The benchmark of the patch ladder checks answers against real commits, and fails where it checked none."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks.not_measured import NotMeasuredError
from tests.benchmarks.patch_outcomes import Answer, Instance, clone_of, main, measure

FITS = "```diff\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n```\n"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    """A folder with one clone, of owner/name."""
    clone = tmp_path / "owner+name" / "repo"
    clone.mkdir(parents=True)
    git(clone, "init", "-q", "--template=")
    (clone / "x.py").write_text("a\nb\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "base")
    return tmp_path


@pytest.fixture
def instances(clones: Path) -> list[Instance]:
    commit = git(clones / "owner+name" / "repo", "rev-parse", "HEAD")
    return [Instance("known", "owner/name", commit), Instance("elsewhere", "owner/other", commit)]


def test_every_difference_from_the_reference_is_listed(
    clones: Path, instances: list[Instance], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        Answer("known", FITS, "resolved", apply_check_source=True, best_repair="last/strict"),
        Answer("known", FITS, "malformed", apply_check_source=False, best_repair="none"),
        Answer("known", FITS.replace(" a", " z"), "malformed", apply_check_source=False, best_repair="last/rewritten"),
        Answer("known", FITS.replace(" a", " z"), "unresolved", apply_check_source=True, best_repair="last/strict"),
        Answer("known", FITS.replace("2 @@", "9 @@"), "malformed"),
        Answer("elsewhere", FITS, "malformed", apply_check_source=False, best_repair="none"),
    ]
    files: dict[Path, Sequence[msgspec.Struct]] = {clones / "answers.jsonl": answers, clones / "rows.jsonl": instances}
    for path, rows in files.items():
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    arguments = ["--answers", str(clones / "answers.jsonl"), "--instances", str(clones / "rows.jsonl")]
    assert main([*arguments, "--clones", str(clones), "--parity"]) == 0
    printed = capsys.readouterr().out
    assert "3 of 5 checked answers differ" in printed
    assert "1 known (malformed, git refuses it, best repair none): only the ladder finds a patch: applies" in printed
    assert "2 known (malformed, git refuses it, best repair last/rewritten): only the other ladder" in printed
    assert "3 known (unresolved, git takes it, best repair last/strict): git takes the submitted patch" in printed
    assert "-> no clone" in printed
    assert git(clones / "owner+name" / "repo", "status", "--porcelain") == ""


def test_answers_without_a_repository_measure_nothing(clones: Path, instances: list[Instance]) -> None:
    assert clone_of("owner/other", clones) is None
    with pytest.raises(NotMeasuredError, match="none of 1 answers"):
        measure([Answer("elsewhere", FITS)], instances, clones)
