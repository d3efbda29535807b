"""The predictions file of one model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from swebench_tui.bench.predictions import PredictionsError, PredictionsFile, Provenance, check_predictions
from tests.app.bench.predictions.records import DIFF, HOSTILE, as_harness_reads, prediction

PATCH = f"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-{HOSTILE}\n+x\r\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "p.jsonl"


def test_readers_get_the_patch_byte_for_byte(path: Path) -> None:
    file = PredictionsFile(path, "acme/m")
    file.add(prediction("a", PATCH))
    file.add(prediction("b", ""))
    assert path.read_bytes().isascii()
    assert as_harness_reads(path) == [
        {"instance_id": "a", "model_name_or_path": "acme/m", "model_patch": PATCH},
        {"instance_id": "b", "model_name_or_path": "acme/m", "model_patch": ""},
    ]
    assert check_predictions(path).breaches == ()


def test_provenance_is_one_more_key(path: Path) -> None:
    record = prediction().record()
    with_provenance = Provenance(target="acme:m", prompt_hash="h", cost=None, oracle=True)
    file = PredictionsFile(path, "acme/m")
    made = type(prediction())(**record, provenance=with_provenance)
    file.add(made)
    (row,) = as_harness_reads(path)
    assert row.items() > record.items()
    assert (row["provenance"]["oracle"], row["provenance"]["cost"]) == (True, None)
    assert file.known["a"].prompt_hash == "h"
    assert PredictionsFile(path, "acme/m").known == file.known


def test_a_second_prediction_of_an_instance_is_refused(path: Path) -> None:
    file = PredictionsFile(path, "acme/m")
    file.add(prediction())
    before = path.read_bytes()
    with pytest.raises(PredictionsError, match="already has a prediction for 'a'"):
        file.add(prediction(patch=""))
    assert path.read_bytes() == before


def test_a_replacement_leaves_the_other_lines_as_they_are(path: Path) -> None:
    file = PredictionsFile(path, "acme/m")
    for name in "abc":
        file.add(prediction(name))
    odd = b'{"model_patch":"","instance_id":"odd", "extra": 1, "model_name_or_path": "acme/m"}\n'
    with path.open("ab") as opened:
        opened.write(odd)
    before = path.read_bytes().splitlines()
    file.add(prediction("b", ""), replace=True)
    after = path.read_bytes().splitlines()
    assert after[:1] + after[2:] == before[:1] + before[2:]
    assert json.loads(after[1])["model_patch"] == ""
    assert set(file.known) == {"a", "b", "c", "odd"}


def test_what_another_process_adds_is_seen_before_writing(path: Path) -> None:
    one, other = PredictionsFile(path, "acme/m"), PredictionsFile(path, "acme/m")
    one.add(prediction("a"))
    with pytest.raises(PredictionsError, match="already has a prediction for 'a'"):
        other.add(prediction("a"))
    other.add(prediction("b"))
    one.refresh()
    assert set(one.known) == {"a", "b"}


def test_a_file_that_was_removed_begins_anew(path: Path) -> None:
    file = PredictionsFile(path, "acme/m")
    file.add(prediction("a"))
    path.unlink()
    file.add(prediction("a"))
    assert len(as_harness_reads(path)) == 1


def test_another_model_is_refused_by_name(path: Path) -> None:
    PredictionsFile(path, "acme/m").add(prediction())
    with pytest.raises(PredictionsError, match=r"p\.jsonl:1: it is of the model 'acme/m', not 'acme/n'"):
        PredictionsFile(path, "acme/n")
    with pytest.raises(PredictionsError, match="not 'acme/n'"):
        PredictionsFile(path, "acme/m").add(prediction(model="acme/n"))


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[]\n", b'{"instance_id": "x"}\n', b"\xff\n"])
def test_a_broken_line_is_named_and_nothing_written(line: bytes, path: Path) -> None:
    PredictionsFile(path, "acme/m").add(prediction())
    with path.open("ab") as file:
        file.write(line)
    before = path.read_bytes()
    with pytest.raises(PredictionsError, match=r"p\.jsonl:2: ") as caught:
        PredictionsFile(path, "acme/m")
    assert "predictions check" in caught.value.hint
    assert path.read_bytes() == before


def test_opening_the_file_moves_a_torn_tail_aside(path: Path) -> None:
    PredictionsFile(path, "acme/m").add(prediction())
    with path.open("ab") as file:
        file.write(b'{"instance_id": "b", "model_')
    file_again = PredictionsFile(path, "acme/m")
    assert file_again.torn is not None
    assert file_again.torn.moved_to.read_bytes() == b'{"instance_id": "b", "model_\n'
    assert set(file_again.known) == {"a"}
    file_again.add(prediction("b"))
    assert [row["instance_id"] for row in as_harness_reads(path)] == ["a", "b"]


def test_a_record_without_its_newline_counts_as_present(path: Path) -> None:
    file = PredictionsFile(path, "acme/m")
    file.add(prediction("a"))
    path.write_bytes(path.read_bytes() + json.dumps(prediction("b").record()).encode())
    with pytest.raises(PredictionsError, match="already has a prediction for 'b'"):
        file.add(prediction("b"))
    assert set(PredictionsFile(path, "acme/m").known) == {"a", "b"}


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="is not a regular file"):
        PredictionsFile(tmp_path, "acme/m")


@pytest.mark.parametrize(
    ("instance_id", "model", "patch"),
    [("", "m", ""), ("a", " ", ""), ("a", "m", " \n"), ("a", "m", DIFF.rstrip("\n")), ("a", "m", "+\ud800\n")],
)
def test_a_prediction_that_readers_would_refuse_is_a_value_error(instance_id: str, model: str, patch: str) -> None:
    with pytest.raises(ValueError, match=r"^`"):
        prediction(instance_id, patch, model=model)
