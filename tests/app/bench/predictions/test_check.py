"""The rules of predictions files, beside what the harness and sb-cli do with the same file."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.predictions import PredictionsError, PredictionsFile, Rule, check, check_predictions, json_lines
from tests.app.bench.predictions.records import DIFF, prediction

GOOD = {"instance_id": "a", "model_name_or_path": "m", "model_patch": DIFF}


def line(**changes: object) -> str:
    return json.dumps({key: value for key, value in (GOOD | changes).items() if value != "MISSING"})


def breaches(path: Path, content: str | bytes, **options: Any) -> list[tuple[str, int | None]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return [(breach.rule.code, breach.line) for breach in check_predictions(path, **options).breaches]


LINES = [
    ("", [("no_predictions", None)]),
    (f"{line()}\n", []),
    (line(), [("unended_file", 1)]),
    (f"{line()}\n\n", [("blank_line", 2)]),
    (f"{line()}\n \t\n{line(instance_id='b')}\n", [("blank_line", 2)]),
    (f"\n\n{line()}\n", [("blank_line", 1), ("blank_line", 2)]),
    (f"{line()}\nnonsense\n", [("not_json", 2)]),
    (f'{line()}\n{{"instance_id": "b", "mo', [("not_json", 2), ("unended_file", 2)]),
    (f"{line()}\r\n", []),
    (line().replace(", ", ",\r", 1) + "\n", [("not_json", 1), ("not_json", 2), ("no_predictions", None)]),
    (f"{line()}\r{line(instance_id='b')}\r", []),
    ("[" * 100_000 + "\n", [("not_json", 1), ("no_predictions", None)]),
    (f"{line()}\n[]\n3\nnull\n", [("not_an_object", 2), ("not_an_object", 3), ("not_an_object", 4)]),
    (f"\ufeff{line()}\n", [("byte_order_mark", 1), ("no_predictions", None)]),
    (f"{line(model_patch='MISSING')}\n", [("missing_key", 1)]),
    (f"{line(instance_id='MISSING')}\n", [("missing_key", 1)]),
    (f"{line(model_name_or_path='MISSING')}\n", [("missing_key", 1)]),
    (f"{line(instance_id=7)}\n", [("wrong_type", 1)]),
    (f"{line(model_name_or_path=None)}\n", [("wrong_type", 1)]),
    (f"{line(model_patch=['x'])}\n", [("wrong_type", 1)]),
    (f"{line()}\n{line()}\n", [("duplicate_id", 2)]),
    (f"{line()}\n{line(instance_id='b', model_name_or_path='n')}\n", [("two_models", 2)]),
    (f"{line(model_patch='')}\n", []),
    (f"{line(model_patch=None)}\n", [("null_patch", 1)]),
    (f"{line(model_patch=' ')}\n", [("blank_patch", 1)]),
    (f"{line(model_patch=DIFF.rstrip())}\n", [("no_final_newline", 1)]),
    (f"{line(model_patch='Here it is.')}\n", [("not_a_diff", 1)]),
    (f"{line(model_patch=DIFF + chr(0xD800))}\n", [("lone_surrogate", 1), ("no_final_newline", 1)]),
    (f"{line(model_name_or_path='..')}\n", [("model_name", 1)]),
    (f"{line(model_name_or_path='x' * 201)}\n", [("model_name", 1)]),
    (f"{line(model_name_or_path='a/b')}\n", []),
    (json.dumps(GOOD | {"note": "ü"}, ensure_ascii=False) + "\n", [("raw_text", 1)]),
    ('{"instance_id": "b", ' + line()[1:] + "\n", [("repeated_key", 1)]),
]


@pytest.mark.parametrize(("content", "expected"), LINES)
def test_each_breach_of_json_lines_has_its_line(content: str, expected: list[tuple[str, int]], tmp_path: Path) -> None:
    assert breaches(tmp_path / "p.jsonl", content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"[\n{line()},\n\n{line(instance_id='b')}]\n", []),
        (f"[{line()}, {line()}]", [("duplicate_id", 1)]),
        (f'{{"a": {line()},\n"b": {line(instance_id="b")}}}', []),
        (f'{{"a": {line()},\n"c": {line(instance_id="b")}}}', [("id_and_key_differ", 2)]),
        (f'{{"a": {line()},\n"a": {line()}}}', [("repeated_key", 2)]),
        (f'{{"a": {line()},\n"b": {line()}}}', [("id_and_key_differ", 2), ("duplicate_id", 2)]),
        (line(), [("not_an_object", 1)] * 3),
        ("[]", [("no_predictions", None)]),
        ("{ }", [("no_predictions", None)]),
        ("3", [("wrong_shape", 1), ("no_predictions", None)]),
        ("", [("wrong_shape", 1), ("no_predictions", None)]),
        (f"[{line()}", [("not_json", 1)]),
        (f"[{line()},\n]", [("not_json", 2)]),
        (f"[{line()}]\n\nrest", [("not_json", 3)]),
        (f"[\n\n{line()}\n{line()}]", [("not_json", 4)]),
        ("{3: {}}", [("not_json", 1), ("no_predictions", None)]),
        ("[" * 100_000, [("not_json", 1), ("no_predictions", None)]),
        (b"[\n\xff]", [("not_utf8", 2), ("no_predictions", None)]),
        (f"\ufeff[{line()}]", [("byte_order_mark", 1), ("no_predictions", None)]),
        (f'[{{"instance_id": "a", {line()[1:]}, {line(instance_id="b")}]', [("repeated_key", 1)]),
    ],
)
def test_each_breach_of_a_document_has_its_line(
    content: str | bytes, expected: list[tuple[str, int]], tmp_path: Path
) -> None:
    assert breaches(tmp_path / "p.json", content) == expected


def test_ids_are_compared_with_those_of_the_dataset(tmp_path: Path) -> None:
    content = f"{line()}\n{line(instance_id='x')}\n"
    found = breaches(tmp_path / "p.jsonl", content, instance_ids=["a", "b", "c"])
    assert found == [("unknown_id", 2), ("missing_ids", None)]
    assert breaches(tmp_path / "p.jsonl", content, instance_ids=["a", "x"]) == []


def test_another_suffix_is_an_error_for_the_harness(tmp_path: Path) -> None:
    assert breaches(tmp_path / "p.txt", f"{line()}\n") == [("suffix", None)]
    assert breaches(tmp_path / "p.JSONL", f"{line()}\n") == [("suffix", None)]


def test_a_long_line_ends_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swebench_tui.bench.predictions.reader.LONGEST_LINE", 1_000)
    content = f"{line()}\n{line(model_patch='x' * 1_000)}\n{line()}\n"
    assert breaches(tmp_path / "p.jsonl", content) == [("too_large", 2)]


def test_a_large_document_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swebench_tui.bench.predictions.reader.LONGEST_DOCUMENT", 100)
    assert breaches(tmp_path / "p.json", f"[{line()}]") == [("too_large", None), ("no_predictions", None)]


def test_breaches_beyond_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MOST_BREACHES", 10)
    path = tmp_path / "p.jsonl"
    path.write_text("\n" * 50)
    report = check_predictions(path)
    assert (report.errors, len(report.breaches)) == (51, 10)


def test_memory_does_not_grow_with_the_patches(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with path.open("w") as file:
        for number in range(200):
            file.write(line(instance_id=str(number), model_patch=DIFF + "x" * 50_000 + "\n") + "\n")
    tracemalloc.start()
    try:
        report = check_predictions(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (report.predictions, report.breaches) == (200, ())
    assert peak < path.stat().st_size / 10


@pytest.mark.parametrize("name", ["missing.jsonl", "folder.jsonl"])
def test_no_file_is_an_error_with_a_hint(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(PredictionsError, match=r"does not exist|not a regular file") as caught:
        check_predictions(tmp_path / name)
    assert caught.value.hint


def test_every_rule_has_its_own_code_and_a_fix() -> None:
    assert len({rule.code for rule in Rule}) == len(Rule)
    assert all(rule.fix.endswith(".") for rule in Rule)


def harness(path: Path, ids: set[str]) -> None:
    """What swebench 5.0.2 does with a .jsonl file before it starts a container. Raises what it raises."""
    with path.open() as file:
        rows = [json.loads(text) for text in file]
    predictions = {row["instance_id"]: row for row in rows}
    assert predictions.keys() <= ids
    next(iter(predictions.values()))["model_name_or_path"].replace("/", "__")
    for row in predictions.values():
        row["model_name_or_path"].replace("/", "__")
        if row["model_patch"] not in {"", None}:
            row["model_patch"].encode()


def sb_cli(path: Path) -> None:
    """What sb-cli 0.1.5 does with a .jsonl file."""
    with path.open() as file:
        rows = [json.loads(text) for text in file]
    rows = [{key: row[key] for key in GOOD} for row in rows]
    assert len({row["model_name_or_path"] for row in rows}) == 1
    assert len({row["instance_id"] for row in rows}) == len(rows)


def accepts(path: Path) -> bool:
    try:
        harness(path, {"a", "b", "c"})
        sb_cli(path)
    except Exception:  # noqa: BLE001 - whatever they stumble over
        return False
    return True


RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "instance_id": st.sampled_from(["a", "b", "c", "x", 3, None]),
        "model_name_or_path": st.sampled_from(["m", "m", "m", "n/o", 1, None]),
        "model_patch": st.sampled_from([DIFF, DIFF, "", None, 5, DIFF + "\ud800\n"]),
        "more": st.sampled_from([{}, [], "\u2028"]),
    },
)
TEXTS = st.one_of(
    st.builds(json.dumps, RECORDS),
    st.just(line()),
    st.just(line(instance_id="b")),
    st.sampled_from(["", " ", "{", "[]", "3", '{"instance_id": "a"']),
)


@given(st.lists(TEXTS, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_what_has_no_error_is_accepted_by_both_readers(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], end: str, ended: bool
) -> None:
    path = tmp_path_factory.mktemp("check") / "p.jsonl"
    path.write_bytes((end.join(texts) + (end if ended else "")).encode())
    report = check_predictions(path, instance_ids=["a", "b", "c"])
    if not report.errors:
        assert accepts(path)
    if accepts(path):
        assert {breach.rule for breach in report.breaches if breach.rule.severity == "error"} <= STRICTER


STRICTER = {Rule.BLANK_PATCH, Rule.MODEL_NAME}
"""Rules about what comes later, in containers."""


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=60)), max_size=5))
def test_what_the_program_writes_has_no_error(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("written") / "p.jsonl"
    file = PredictionsFile(path, "acme/m")
    written = {"x": ""} | {f"id-{name}": f"{patch}\n" if patch.strip() else "" for name, patch in rows}
    for name, patch in written.items():
        file.add(prediction(name, patch))
    report = check_predictions(path)
    assert (report.errors, report.predictions) == (0, len(written))
    assert accepts_any_id(path)


def accepts_any_id(path: Path) -> bool:
    sb_cli(path)
    harness(path, {json_lines.decode_line(text)["instance_id"] for text in path.read_bytes().splitlines()})
    return True
