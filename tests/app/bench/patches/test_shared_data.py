"""Real answers and real patches. No clone of their repositories is at hand, so nothing here says that one applies."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.patches import Failure, PatchVerdict, Repair, judge

DATA = Path(__file__).parents[4] / ".." / "shared" / "data"


class Row(msgspec.Struct):
    instance_id: str
    raw_text: str = ""
    extracted_patch: str | None = None
    harness_outcome: str = ""
    best_repair: str | None = None
    patch: str = ""
    test_patch: str = ""
    repo: str = ""
    base_commit: str = ""


def rows(name: str) -> list[Row]:
    path = DATA / name
    text = path.read_bytes() if path.is_file() else b""
    return [msgspec.json.decode(line, type=Row) for line in text.split(b"\n") if line]


ANSWERS = rows("model_outputs.jsonl")
INSTANCES = rows("swebench_sample.jsonl") + rows("swebench_verified_sample.jsonl")


def changed_lines(patch: str) -> list[str]:
    return [
        line.rstrip() for line in patch.split("\n") if line[:1] in {"+", "-"} and not line.startswith(("---", "+++"))
    ]


def has_blocks(row: Row) -> bool:
    return "<<<<<<< SEARCH" in row.raw_text


if ANSWERS:

    @pytest.mark.shared_data
    @pytest.mark.parametrize("row", ANSWERS, ids=[f"{number}-{row.instance_id}" for number, row in enumerate(ANSWERS)])
    def test_every_real_answer_gets_the_verdict_its_form_deserves(row: Row) -> None:
        verdict = judge(row.raw_text, snapshot=None)
        if row.harness_outcome == "empty":
            assert (verdict.status, verdict.failure) == ("no_patch", Failure.EMPTY_ANSWER)
        elif has_blocks(row):
            assert (verdict.status, verdict.failure) == ("unchecked", Failure.NEEDS_CHECKOUT)
            assert all(f"+++ b/{file}" in (row.extracted_patch or "") for file in verdict.files)
        else:
            assert (verdict.status, verdict.failure) == ("unchecked", None)
            assert_form_matches_the_outcome(row, verdict)

    def assert_form_matches_the_outcome(row: Row, verdict: PatchVerdict) -> None:
        mended = Repair.RECOUNTED in verdict.repairs
        if row.harness_outcome == "resolved" and Repair.FENCES_JOINED not in verdict.repairs:
            assert not mended
            assert changed_lines(verdict.patch) == changed_lines(row.extracted_patch or "")
        if row.best_repair == "last/rewritten":  # only the form of its hunks kept git from taking it
            assert mended
        again = judge(verdict.patch, snapshot=None)
        assert (again.patch, again.repairs) == (verdict.patch, ())

    @pytest.mark.shared_data
    def test_every_gold_patch_is_written_down_byte_for_byte() -> None:
        patches = [patch for row in INSTANCES for patch in (row.patch, row.test_patch)]
        assert len(patches) == 390
        for patch in patches:
            for answer in (patch, f"Words.\n\n```diff\n{patch}```\n\nWords.\n", f"<patch>\n{patch}</patch>\n"):
                verdict = judge(answer, snapshot=None)
                assert (verdict.patch, verdict.repairs) == (patch, ())
