from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.datasets import DatasetError, load
from swebench_tui.bench.datasets.regular_file import MAX_BYTES, read_regular_file
from swebench_tui.bench.instance import Instance

SHARED = Path(__file__).parents[4] / ".." / "shared" / "data"
REAL_FILES = [("swebench_sample.jsonl", 170), ("swebench_verified_sample.jsonl", 25)] if SHARED.is_dir() else []
BOM = b"\xef\xbb\xbf"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
test_names = st.lists(text, max_size=3)
instances = st.builds(
    Instance,
    repo=text,
    instance_id=text.filter(bool),
    base_commit=text,
    problem_statement=text,
    patch=text,
    fail_to_pass=test_names | test_names.map(lambda names: msgspec.json.encode(names).decode()),
)


def row(instance_id: str = "a__a-1", **columns: object) -> bytes:
    required = {"repo": "a/a", "base_commit": "c0ffee", "problem_statement": "It fails."}
    return msgspec.json.encode({"instance_id": instance_id, **required, **columns})


def written(folder: Path, content: bytes, name: str = "tasks.jsonl") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def ids(spec: str) -> list[str]:
    return [instance.instance_id for instance in load(spec).instances]


def test_the_starter_set_is_there_without_any_file() -> None:
    assert len(load("starter").instances) >= 8


def test_rows_keep_their_order_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    lines = [b"", row("b"), b"  \t", row("a"), b"", b""]
    assert ids(written(tmp_path, b"\n".join(lines))) == ["b", "a"]


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(tmp_path: Path) -> None:
    assert ids(written(tmp_path, BOM + row("a") + b"\r\n" + row("b") + b"\r\n")) == ["a", "b"]
    assert ids(written(tmp_path, BOM + b"[" + row("a") + b"]", "tasks.json")) == ["a"]


@pytest.mark.parametrize("document", [b"[%s,%s]", b'{"rows": [%s,\n%s]}', b'{"data": [%s,%s], "version": 3}'])
def test_a_json_document_is_a_list_or_holds_one(tmp_path: Path, document: bytes) -> None:
    assert ids(written(tmp_path, document % (row("a"), row("b")), "tasks.JSON")) == ["a", "b"]


def test_unknown_columns_are_passed_over(tmp_path: Path) -> None:
    assert ids(written(tmp_path, row("a", stars=7, text="a whole prompt"))) == ["a"]


def test_optional_columns_may_be_missing_or_null(tmp_path: Path) -> None:
    nothing = dict.fromkeys(["patch", "hints_text", "version", "difficulty", "FAIL_TO_PASS", "image_assets"])
    bare, null = load(written(tmp_path, row("a") + b"\n" + row("b", **nothing))).instances
    assert msgspec.structs.replace(null, instance_id="a") == bare
    assert bare.tests_to_fix == bare.issue_images == []


@pytest.mark.parametrize(
    ("columns", "name", "value"),
    [
        ({"difficulty": "15 min - 1 hour"}, "difficulty", "15 min - 1 hour"),
        ({"docker_image": "swe/a"}, "image", "swe/a"),
        ({"image_name": "swe/a", "image": "swe/b"}, "image", "swe/b"),
        ({"image": "swe/b", "image_name": "swe/a"}, "image", "swe/b"),
        ({"fail_to_pass": ["t::a"]}, "tests_to_fix", ["t::a"]),
        ({"eval_type": "fail_only", "log_parser": "parse_log_a"}, "eval_type", "fail_only"),
        ({"image_assets": {"problem_statement": ["u"], "patch": []}}, "issue_images", ["u"]),
        ({"image_assets": '{"problem_statement": ["u"]}'}, "issue_images", ["u"]),
        ({"image_assets": {"problem_statement": '["u"]'}}, "issue_images", ["u"]),
        ({"image_assets": "nonsense"}, "issue_images", []),
        ({"image_assets": {"problem_statement": 7}}, "issue_images", []),
        ({"image_assets": "[]"}, "issue_images", []),
    ],
)
def test_columns_of_newer_and_other_sets(tmp_path: Path, columns: dict[str, object], name: str, value: object) -> None:
    (instance,) = load(written(tmp_path, row("a", **columns))).instances
    assert getattr(instance, name) == value


@pytest.mark.parametrize("column", ['["t.py::a", "t.py::b"]', ["t.py::a", "t.py::b"]])
def test_test_names_are_json_text_or_a_list(tmp_path: Path, column: str | list[str]) -> None:
    (instance,) = load(written(tmp_path, row(FAIL_TO_PASS=column, PASS_TO_PASS=column))).instances
    assert instance.tests_to_fix == instance.tests_to_keep == ["t.py::a", "t.py::b"]


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (b'{"repo": "a/a"}', "tasks.jsonl:3: `instance_id` is missing"),
        (row("b", base_commit=7), r"tasks.jsonl:3: Expected `str`, got `int` - at `\$.base_commit`"),
        (row("b", repo=None), r"tasks.jsonl:3: Expected `str`, got `null` - at `\$.repo`"),
        (row(""), "tasks.jsonl:3: `instance_id` is empty"),
        (row("b", FAIL_TO_PASS="['t.py::a']"), "tasks.jsonl:3: `FAIL_TO_PASS` is not a list of test names"),
        (row("b", PASS_TO_PASS="{}"), "tasks.jsonl:3: `PASS_TO_PASS` is not a list of test names"),
        (row("b", FAIL_TO_PASS=[1]), r"tasks.jsonl:3: Expected `str`, got `int` - at `\$.FAIL_TO_PASS\[0\]`"),
        (row("a"), "tasks.jsonl:3: duplicate `instance_id` 'a', first at tasks.jsonl:1"),
        (b"[1, 2]", "tasks.jsonl:3: Expected `object`, got `array`"),
        (b'{"repo": "a/a", nonsense}', "tasks.jsonl:3: JSON is malformed"),
        (row("b")[:-9], "tasks.jsonl:3: Input data was truncated"),
        (b'{"repo": "\xff"}', "tasks.jsonl:3: 'utf-8' codec can't decode byte 0xff"),
        (b'{"unknown": ' + b"[" * 100_000, "tasks.jsonl:3: maximum recursion depth exceeded"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_column(tmp_path: Path, bad: bytes, complaint: str) -> None:
    with pytest.raises(DatasetError, match=f"^{complaint}") as caught:
        load(written(tmp_path, b"\n".join([row("a"), b"", bad, row("z")])))
    assert caught.value.hint


def test_lines_are_counted_in_a_json_document_too(tmp_path: Path) -> None:
    same_twice = b'{"rows": [\n' + row("a") + b",\n\n" + row("b") + b",\n\t" + row("b") + b"\n]}"
    with pytest.raises(DatasetError, match=r"^tasks.json:5: duplicate `instance_id` 'b', first at tasks.json:4$"):
        load(written(tmp_path, same_twice, "tasks.json"))


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (b"[\n" + row() + b",\n oops]", "tasks.json:3: JSON is malformed"),
        (row("a") + b"\n" + row("b"), "tasks.json:2: JSON is malformed: trailing characters"),
        (b"[\n\n", "tasks.json:3: Input data was truncated"),
        (b"7", "tasks.json:1: .*Expected `object | array`, got `int`"),
        (b'{"train": []}', "tasks.json:1: neither a list nor an object with `rows` or `data`"),
        (b'{"rows": 7}', "tasks.json:1: .*Expected `array | null`, got `int`"),
        (b"[]", "tasks.json holds no tasks"),
        (b'{"rows": []}', "tasks.json holds no tasks"),
    ],
)
def test_a_bad_document_is_named_by_file_and_line(tmp_path: Path, document: bytes, complaint: str) -> None:
    with pytest.raises(DatasetError, match=f"^{complaint}"):
        load(written(tmp_path, document, "tasks.json"))


def test_an_empty_file_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^tasks.jsonl holds no tasks$"):
        load(written(tmp_path, BOM + b"\n\n"))


@pytest.mark.parametrize("spec", ["nonsense", "", "Starter"])
def test_other_specs_are_refused_with_what_is_read(spec: str) -> None:
    with pytest.raises(DatasetError, match=r"^unknown dataset") as caught:
        load(spec)
    assert "`starter`" in caught.value.hint
    assert ".jsonl" in caught.value.hint


@pytest.mark.parametrize("spec", ["nowhere/tasks.jsonl", "with\0nul.json", "~nobody-of-this-name/tasks.jsonl"])
def test_an_unreadable_file_is_a_dataset_error(spec: str) -> None:
    with pytest.raises(DatasetError, match="cannot be read: "):
        load(spec)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.parquet", "rows.arrow"])
def test_a_device_is_not_read(tmp_path: Path, device: str, name: str) -> None:
    (tmp_path / name).symlink_to(device)
    with pytest.raises(DatasetError, match=r"is not a regular file|is a directory|cannot be read"):
        load(str(tmp_path / name))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_a_pipe_without_a_writer_does_not_wait(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DatasetError, match="is not a regular file"):
        load(str(tmp_path / name))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.parquet", "rows.arrow"])
def test_a_file_of_gigabytes_is_refused_unread(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, MAX_BYTES + 1)  # a file of holes: it takes no space
    with pytest.raises(DatasetError, match="is larger than 2,048 MB"):
        load(str(tmp_path / name))


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"x" * 11)
    with pytest.raises(DatasetError, match="is larger than "):
        read_regular_file(tmp_path / "rows.jsonl", limit=10)
    assert read_regular_file(tmp_path / "rows.jsonl", limit=11) == b"x" * 11


def test_the_revision_is_a_hash_of_the_content(tmp_path: Path) -> None:
    one, same, other = (load(written(tmp_path, row(name), f"{name}{n}.jsonl")) for n, name in enumerate("aab"))
    assert one.revision == same.revision != other.revision
    assert one.split is None
    assert one.revision.startswith("sha256:")


def test_a_file_has_no_split(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is one file and has no splits"):
        load(written(tmp_path, row("a")), split="test")


def test_hostile_ids_are_shown_escaped(tmp_path: Path) -> None:
    hostile = row("\x1b]0;owned\x07")
    with pytest.raises(DatasetError) as caught:
        load(written(tmp_path, hostile + b"\n" + hostile))
    assert "\x1b" not in str(caught.value)


@given(
    tasks=st.lists(instances, min_size=1, max_size=4, unique_by=lambda instance: instance.instance_id), data=st.data()
)
def test_lines_and_documents_round_trip(
    tmp_path_factory: pytest.TempPathFactory, tasks: list[Instance], data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    gaps = data.draw(st.lists(st.sampled_from([b"\n", b"\r\n", b"\n \n\n"]), min_size=len(tasks), max_size=len(tasks)))
    lines = b"".join(msgspec.json.encode(task) + gap for task, gap in zip(tasks, gaps, strict=True))
    assert load(written(folder, lines)).instances == tuple(tasks)
    document = msgspec.json.format(msgspec.json.encode(tasks))
    assert load(written(folder, document, "tasks.json")).instances == tuple(tasks)


@given(content=st.binary(max_size=60) | st.text('[]{},:"\\ud80\n1 rowsdat', max_size=40).map(str.encode))
def test_any_content_loads_or_raises_a_dataset_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("tasks.jsonl", "tasks.json"):
        with pytest.raises(DatasetError):
            load(written(tmp_path_factory.getbasetemp(), content, name))


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "rows"), REAL_FILES)
def test_real_rows_of_swe_bench_are_all_loaded(name: str, rows: int) -> None:
    tasks = load(str(SHARED / name)).instances
    assert len(tasks) == rows
    assert all(task.tests_to_fix and task.patch and task.title for task in tasks)
