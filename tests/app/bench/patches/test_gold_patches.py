"""Gold patches, whole and damaged in every class: the same tree where only the form is damaged, refused otherwise.

The starter tasks stand here with their own repositories. The real rows that lie beside a development checkout are tried
on files rebuilt from the old lines of their patches, or on the real ones where `SWEBENCH_TUI_CLONES` names a folder of
clones.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from unidiff.patch import PatchSet

from swebench_tui.bench.datasets import starter
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import FileChange, emit_diff, judge, parse_diff
from swebench_tui.bench.patches.extract import touches_only_tests
from swebench_tui.bench.repositories.bundled import checkout
from tests.app.bench.patches.conftest import MakeRepo, Repo
from tests.app.bench.patches.damage import CONTENTS, FORMS, Damage, fence
from tests.app.bench.patches.test_shared_data import INSTANCES, Row
from tests.benchmarks.patch_outcomes import clone_of

CLONES = os.environ.get("SWEBENCH_TUI_CLONES", "")
SCRIPT = "--- /dev/null\n+++ b/reproduce_bug.py\n@@ -0,0 +1 @@\n+print(1)\n"
DAMAGES = FORMS + CONTENTS


def changes_of(patch: str) -> tuple[FileChange, ...]:
    return parse_diff(patch.removesuffix("\n").split("\n")).changes


def rebuilt(change: FileChange) -> str:
    """A file that has the old lines of every hunk where the hunk says, and lines of its own in between."""
    lines: list[str] = []
    for hunk in change.hunks:
        start = (hunk.old_start or 1) - bool(hunk.old)
        lines += [f"line {number} of the rebuilt file" for number in range(len(lines), start)] + hunk.old
    last = change.hunks[-1].lines if change.hunks else ()
    ends_with_file = len(last) < 3 or any(line[0] != " " for line in last[-3:])
    return "".join(line + "\n" for line in (lines if ends_with_file else [*lines, *map("tail {}".format, range(9))]))


def bare(path: str) -> str:
    return path.removeprefix("a/").removeprefix("b/")


def bared(patch: str) -> list[FileChange]:
    """The changes of a patch, with bare paths."""
    return [
        msgspec.structs.replace(change, old=change.old and bare(change.old), new=change.new and bare(change.new))
        for change in changes_of(patch)
    ]


def files_for(patch: str, row: Row | None = None) -> dict[str, str | bytes]:
    """The files that a patch needs, real ones where their repository is there."""
    olds = [(bare(change.old), change) for change in changes_of(patch) if change.old is not None]
    clone = clone_of(row.repo, Path(CLONES)) if row and CLONES else None
    if row is None or clone is None:
        return {path: rebuilt(change) for path, change in olds}
    command = ["git", "-C", str(clone), "cat-file", "blob"]
    return {
        path: subprocess.run([*command, f"{row.base_commit}:{path}"], check=True, capture_output=True).stdout
        for path, _ in olds
    }


class Trees:
    """The files that patches leave in one repository; each patch is applied once, by git."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self._after: dict[str, dict[str, bytes]] = {}

    def after(self, patch: str) -> dict[str, bytes]:
        if patch not in self._after:
            self._after[patch] = self.repo.after(patch)
        return self._after[patch]


class Bench:
    """A gold patch with the files before it, after it, and before it with CRLF."""

    def __init__(self, patch: str, files: Mapping[str, str | bytes], make_repo: MakeRepo) -> None:
        self.patch = patch
        self._judged_again = set[str]()
        self.before = Trees(make_repo(files))
        self.after = make_repo(dict(self.before.after(patch)))
        returns = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.crlf = Trees(make_repo({path: text.replace(b"\n", b"\r\n") for path, text in returns.items()}))

    def check(self, damage: Damage) -> str:
        """What happened to the damaged patch: "mended", "refused", or "" where the damage does not apply to it."""
        answer = damage.make(self.patch)
        if answer is None:
            return ""
        repo = self.after if damage.onto_result else self.before.repo
        verdict = judge(answer, snapshot=repo.snapshot, finish_reason="length" if damage.cut else "stop")
        report = f"{damage.name}: {verdict.failure}: {verdict.detail}\n{answer}"
        if verdict.status != "applies":
            assert verdict.failure in damage.wrong | damage.allowed, report
            return "refused"
        assert not damage.wrong, report
        assert self.before.after(verdict.patch) == self.before.after(self.patch), report
        if verdict.patch not in self._judged_again:
            self._judged_again.add(verdict.patch)
            assert len(PatchSet(verdict.patch)) == len(changes_of(self.patch)), report
            again = judge(verdict.patch, snapshot=repo.snapshot)
            assert (again.status, again.patch, again.repairs) == ("applies", verdict.patch, ()), report
        return "mended"

    def check_whole(self) -> None:
        """The patch is emitted as it is, and follows the line ends of the files."""
        assert emit_diff(bared(self.patch)) == self.patch
        verdict = judge(fence(self.patch), snapshot=self.before.repo.snapshot)
        assert (verdict.status, verdict.patch, verdict.repairs) == ("applies", self.patch, ())
        verdict = judge(fence(self.patch), snapshot=self.crlf.repo.snapshot)
        assert verdict.status == "applies", verdict.detail
        expected = {path: text.replace(b"\n", b"\r\n") for path, text in self.before.after(self.patch).items()}
        assert self.crlf.after(verdict.patch) == expected

    def check_with_script(self) -> None:
        """A helper script beside the patch is kept, with a warning."""
        verdict = judge(fence(self.patch + SCRIPT), snapshot=self.before.repo.snapshot)
        assert "helper script, reproduce_bug.py" in verdict.detail
        assert self.before.after(verdict.patch) == self.before.after(self.patch) | {"reproduce_bug.py": b"print(1)\n"}


STARTER = starter.load().instances


@pytest.fixture(scope="session")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("starter")


@pytest.mark.parametrize("task", STARTER, ids=[task.instance_id for task in STARTER])
def test_starter_patches_survive_every_damage_of_their_form(
    task: Instance, checkouts: Path, make_repo: MakeRepo
) -> None:
    folder = checkout(task.repo, checkouts)
    paths = subprocess.run(["git", "-C", str(folder), "ls-files"], check=True, capture_output=True, text=True)
    bench = Bench(task.patch, {path: (folder / path).read_bytes() for path in paths.stdout.split()}, make_repo)
    bench.check_whole()
    bench.check_with_script()
    results = {damage.name: bench.check(damage) for damage in DAMAGES}
    assert results["none"] == "mended"
    assert results["cut off"] == "refused"


if INSTANCES:

    @pytest.mark.shared_data
    @pytest.mark.parametrize("row", INSTANCES, ids=[row.instance_id for row in INSTANCES])
    def test_gold_patches_survive_every_damage_of_their_form(row: Row, make_repo: MakeRepo) -> None:
        bench = Bench(row.patch, files_for(row.patch, row), make_repo)
        bench.check_whole()
        bench.check_with_script()
        for damage in DAMAGES:
            bench.check(damage)

    @pytest.mark.shared_data
    @pytest.mark.parametrize("row", INSTANCES, ids=[row.instance_id for row in INSTANCES])
    def test_patches_of_tests_only_apply_with_a_warning(row: Row, make_repo: MakeRepo) -> None:
        repo = make_repo(files_for(row.test_patch, row))
        verdict = judge(fence(row.test_patch), snapshot=repo.snapshot)
        assert verdict.status == "applies"
        assert repo.after(verdict.patch) == repo.after(row.test_patch)
        assert ("it touches only tests" in verdict.detail) == touches_only_tests(verdict.files)
