"""What the patch ladder makes of recorded answers, at the base commits of their real repositories.

    python -m tests.benchmarks.patch_outcomes --answers ANSWERS.jsonl --instances ROWS.jsonl --clones FOLDER [--parity]
        [--json]

ANSWERS has `instance_id`, `raw_text`, and what others made of it: `harness_outcome`, `apply_check_source` (whether git
takes the patch that was submitted) and `best_repair` (the step of another ladder that made it apply, "none" for no
step). ROWS has `instance_id`, `repo` and `base_commit`. FOLDER holds a clone of each repository, bare or not, under
OWNER+NAME, OWNER+NAME/repo, OWNER__NAME or OWNER/NAME; what is not there is counted as unchecked. Nothing is written
into a clone.

Prints the outcomes by class, and every answer that differs from `apply_check_source` or `best_repair`. `--parity`
judges each answer in a checked-out folder as well, and fails where the verdicts differ. Exit status 1: nothing was
measured.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from tests.benchmarks.not_measured import NotMeasuredError

Row = TypeVar("Row")

_LAYOUTS = ("{owner}+{name}/repo", "{owner}+{name}", "{owner}__{name}", "{owner}/{name}", "{owner}__{name}.git")


class Answer(msgspec.Struct, frozen=True):
    """A recorded answer, and what others made of it."""

    instance_id: str
    raw_text: str
    harness_outcome: str = ""
    apply_check_source: bool | None = None
    best_repair: str | None = None


class Instance(msgspec.Struct, frozen=True):
    """The repository and commit of a task."""

    instance_id: str
    repo: str
    base_commit: str


class Outcome(msgspec.Struct, frozen=True):
    """What the ladder made of one answer."""

    number: int
    answer: Answer
    verdict: PatchVerdict
    checked: bool

    @property
    def result(self) -> str:
        """The status, or the failure class."""
        return self.verdict.status if self.verdict.failure is None else str(self.verdict.failure)

    @property
    def reference(self) -> str:
        """What others made of the answer, as one cell."""
        source = {True: "git takes it", False: "git refuses it", None: "not measured"}[self.answer.apply_check_source]
        return f"{source}, best repair {self.answer.best_repair or 'not measured'}"

    @property
    def difference(self) -> str:
        """How the verdict differs from the reference; "" where it does not, or there is nothing to compare."""
        applies = self.verdict.status == "applies"
        if not self.checked or self.answer.apply_check_source is None:
            return ""
        if self.answer.apply_check_source and not applies:
            return "git takes the submitted patch, and the ladder none"
        if (self.answer.best_repair not in {None, "none"}) != applies:
            return "only the ladder finds a patch" if applies else "only the other ladder finds a patch"
        return ""


def rows(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a JSON lines file."""
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().split(b"\n") if line]


def clone_of(repo: str, clones: Path) -> Path | None:
    """The clone of `repo` below the folder, None where it has none."""
    owner, _, name = repo.partition("/")
    places = [clones / layout.format(owner=owner, name=name) for layout in _LAYOUTS]
    return next((place for place in places if (place / "HEAD").is_file() or (place / ".git").exists()), None)


def measure(
    answers: Sequence[Answer], instances: Sequence[Instance], clones: Path, *, parity: bool = False
) -> list[Outcome]:
    """Raises `NotMeasuredError` if no answer could be checked, or two snapshots of one commit disagree."""
    tasks = {instance.instance_id: instance for instance in instances}
    outcomes: list[Outcome] = []
    for number, answer in enumerate(answers):
        task = tasks.get(answer.instance_id)
        clone = clone_of(task.repo, clones) if task else None
        snapshot = CommitSnapshot(clone, task.base_commit) if task and clone else None
        verdict = judge(answer.raw_text, snapshot=snapshot)
        outcomes.append(Outcome(number, answer, verdict, snapshot is not None))
        if parity and task and clone:
            _check_parity(verdict, answer, task, clone)
    if not any(outcome.checked for outcome in outcomes):
        raise NotMeasuredError(f"none of {len(answers)} answers has its repository below {clones}")
    return outcomes


def _check_parity(verdict: PatchVerdict, answer: Answer, task: Instance, clone: Path) -> None:
    with _checkout(clone, task.base_commit) as folder:
        again = judge(answer.raw_text, snapshot=FolderSnapshot(folder))
    if again != verdict:
        raise NotMeasuredError(f"{answer.instance_id}: a commit gives {verdict}, a folder {again}")


@contextmanager
def _checkout(clone: Path, commit: str) -> Iterator[Path]:
    """A folder with the files of a commit, with git's metadata in another folder than the clone."""
    with tempfile.TemporaryDirectory(prefix="patch-outcomes-") as name:
        folder = Path(name) / "checkout"
        for command in (
            ["git", "clone", "-q", "--shared", "--no-checkout", str(clone), str(folder)],
            ["git", "-C", str(folder), "-c", "core.autocrlf=false", "checkout", "-q", "--detach", commit],
        ):
            subprocess.run(command, check=True, capture_output=True)
        yield folder


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each reference class and result, then one for each difference."""
    counts = Counter(
        (outcome.answer.harness_outcome, outcome.reference, outcome.result if outcome.checked else "no clone")
        for outcome in outcomes
    )
    lines = [f"{count:4d}  {who:12s} {ref:48s} -> {result}" for (who, ref, result), count in sorted(counts.items())]
    differences = [outcome for outcome in outcomes if outcome.difference]
    lines += ["", f"{len(differences)} of {sum(outcome.checked for outcome in outcomes)} checked answers differ"]
    for outcome in differences:
        head = f"{outcome.number} {outcome.answer.instance_id} ({outcome.answer.harness_outcome}, {outcome.reference})"
        lines.append(f"{head}: {outcome.difference}: {outcome.result}: {outcome.verdict.detail}")
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.patch_outcomes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--instances", type=Path, required=True, action="append", help="may be repeated")
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--parity", action="store_true", help="judge in checked-out folders as well")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object per answer")
    options = parser.parse_args(arguments)
    instances = [row for path in options.instances for row in rows(path, Instance)]
    try:
        outcomes = measure(rows(options.answers, Answer), instances, options.clones, parity=options.parity)
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    lines = [msgspec.json.encode(one).decode() for one in outcomes] if options.as_json else table(outcomes)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
