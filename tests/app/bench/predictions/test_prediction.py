"""What of a verdict becomes a prediction, and the names of models and files."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.patches import PatchVerdict, Status
from swebench_tui.bench.predictions import Prediction, file_stem, model_name, submitted_patch
from swebench_tui.bench.predictions.prediction import LONGEST_MODEL_NAME
from tests.app.bench.predictions.records import DIFF

NAMES = st.text(st.characters(exclude_categories=()), max_size=300)
CRLF = DIFF.replace("\n", "\r\n")


@pytest.mark.parametrize("status", get_args(Status))
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("unapplied", [False, True])
def test_only_checked_and_unchecked_patches_are_submitted(status: Status, *, partial: bool, unapplied: bool) -> None:
    admitted = (
        {"applies", "unchecked"} | ({"partial"} if partial else set()) | ({"does_not_apply"} if unapplied else set())
    )
    verdict = PatchVerdict(status=status, patch=DIFF)
    expected = DIFF if status in admitted else ""
    assert submitted_patch(verdict, allow_partial=partial, unapplied=unapplied) == expected


@pytest.mark.parametrize(
    ("patch", "submitted"),
    [("", ""), (" \n", ""), (CRLF, CRLF), (DIFF.rstrip("\n"), DIFF), ("+\udcff\n", ""), ("\u2028+x\n", "\u2028+x\n")],
)
def test_the_text_of_a_patch_is_kept(patch: str, submitted: str) -> None:
    assert submitted_patch(PatchVerdict(status="applies", patch=patch)) == submitted


@given(st.sampled_from(get_args(Status)), st.text(max_size=60))
def test_every_submitted_patch_is_a_valid_prediction(status: Status, patch: str) -> None:
    text = submitted_patch(PatchVerdict(status=status, patch=patch), allow_partial=True, unapplied=True)
    assert Prediction(instance_id="a", model_name_or_path="m", model_patch=text).model_patch == text


@given(NAMES, NAMES)
def test_a_model_name_is_printable_and_bounded(provider: str, model: str) -> None:
    name = model_name(provider or "p", model, "oracle", "guided")
    assert len(name) <= LONGEST_MODEL_NAME
    assert name.endswith("+oracle+guided")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", name)


def test_a_model_name_has_the_provider_in_front() -> None:
    assert model_name("openai", "gpt-6") == "openai/gpt-6"
    assert model_name("openrouter", "qwen/coder:free") == "openrouter/qwen/coder:free"
    assert model_name("mine", "") == "mine"


@given(NAMES)
def test_a_file_name_is_safe_and_bounded(model: str) -> None:
    stem = file_stem(model)
    assert re.fullmatch(r"[A-Za-z0-9_@=+,][A-Za-z0-9._@=+,-]{0,120}", stem)
    assert stem.upper() not in {"CON", "NUL", "AUX", "PRN"}


@given(NAMES, NAMES)
def test_two_models_share_a_file_name_only_by_their_separators(one: str, other: str) -> None:
    if file_stem(one) == file_stem(other):
        assert one.replace("/", "__").replace(":", "_") == other.replace("/", "__").replace(":", "_")


@pytest.mark.parametrize(
    ("model", "stem"),
    [
        ("openai/gpt-6", "openai__gpt-6"),
        ("a/b/c:free+oracle", "a__b__c_free+oracle"),
        ("embedded/smollm2", "embedded__smollm2"),
    ],
)
def test_a_usual_name_is_that_of_the_harness(model: str, stem: str) -> None:
    assert file_stem(model) == stem


@pytest.mark.parametrize("model", ["..", ".", "", "../../etc/passwd", "nul", "a b", "ü" * 300, "x" * 300, "-rf"])
def test_a_dangerous_name_gets_a_hash(model: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{8}", file_stem(model))
