"""Folders: shards, what `datasets` saves, and the task repositories of harness 5.x."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from swebench_tui.bench.datasets import Dataset, DatasetError, load
from tests.app.bench.datasets.tables import arrow, columns, parquet


def ids(dataset: Dataset) -> list[str]:
    return [instance.instance_id for instance in dataset.instances]


def write(folder: Path, files: dict[str, bytes | str]) -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(folder)


def test_what_datasets_saves_is_read(tmp_path: Path) -> None:
    """The layout of `DatasetDict.save_to_disk`."""
    spec = write(
        tmp_path,
        {
            "dataset_dict.json": '{"splits": ["dev", "test"]}',
            "dev/data-00000-of-00001.arrow": arrow([columns("dev-1")]),
            "dev/state.json": "{}",
            "test/data-00000-of-00002.arrow": arrow([columns("a-1"), columns("a-2"), columns("a-3")]),
            "test/data-00001-of-00002.arrow": arrow([columns("a-4")]),
            "test/dataset_info.json": "{}",
            "test/state.json": '{"_split": "test"}',
        },
    )
    assert ids(load(spec)) == ["a-1", "a-2", "a-3", "a-4"]
    assert ids(load(f"{spec}:dev")) == ["dev-1"]
    alone = load(f"{spec}/test")
    assert (alone.split, ids(alone)) == (None, ["a-1", "a-2", "a-3", "a-4"])


def test_shards_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    spec = write(tmp_path, {"b.jsonl": json.dumps(columns("a-2")), "a.jsonl": json.dumps(columns("a-1"))})
    assert ids(load(spec)) == ["a-1", "a-2"]


def test_the_revision_is_a_hash_of_what_was_read(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "test.parquet": parquet([columns("a-1")]),
        "dev.parquet": parquet([columns("d-1")]),
    }
    first = load(write(tmp_path / "one", files))
    assert first.revision.startswith("sha256:")
    assert load(write(tmp_path / "two", files)).revision == first.revision
    (tmp_path / "two" / "dev.parquet").write_bytes(parquet([columns("d-2")]))
    assert load(str(tmp_path / "two")).revision == first.revision, "another split is not what was read"
    (tmp_path / "two" / "test.parquet").write_bytes(parquet([columns("a-2")]))
    assert load(str(tmp_path / "two")).revision != first.revision


def test_an_id_in_two_files_is_named_with_both_places(tmp_path: Path) -> None:
    row = json.dumps(columns("a-1"))
    spec = write(tmp_path, {"x/a.jsonl": row, "x/b.jsonl": f"\n{row}"})
    with pytest.raises(DatasetError, match=r"^x/b.jsonl:2: duplicate `instance_id` 'a-1', first at x/a.jsonl:1$"):
        load(spec)


def test_a_folder_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no data files"):
        load(str(tmp_path))


def test_a_folder_with_everything_in_it_is_not_searched(tmp_path: Path) -> None:
    for number in range(20_001):
        (tmp_path / f"{number}").touch()
    with pytest.raises(DatasetError, match="has more than 20,000 files"):
        load(str(tmp_path))


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": json.dumps(columns("a-1"))})
    (tmp_path / "again").symlink_to(tmp_path)
    assert ids(load(str(tmp_path))) == ["a-1"]


# Task repositories.

YAML = """\
base_commit: 0bab036290b284735a7b5043cc11d194bd8ec37d
created_at: '2018-01-18T09:55:03Z'
datasets:
- SWE-bench/SWE-bench_Multimodal
eval_type: pass_and_fail
image: swebench/sweb.eval.x86_64.a_1776_a-1:latest
image_assets:
  patch: []
  problem_statement:
  - https://example.org/one.png
instance_id: a__a-1
log_parser: parse_log_a
repo: a/a
split: {split}
version: 3.10
"""


def task(split: str = "test", number: int = 1) -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {
        "task.yaml": YAML.format(split=split).replace("a__a-1", f"a__a-{number}"),
        "tests.json": '{"FAIL_TO_PASS": ["t – one"], "PASS_TO_PASS": []}',
        "problem_statement.md": "It is red.\n",
        "gold.patch": "diff --git a/x b/x\n",
        "test.patch": "diff --git a/t b/t\n",
        "eval.sh": "#!/bin/sh\n",
        "Dockerfile": "FROM scratch\n",
        "problem_assets/0-one.png": b"\x89PNG",
    }
    return {f"tasks/a__a-{number}/{name}": content for name, content in files.items()}


def test_a_task_repository_is_read(tmp_path: Path) -> None:
    spec = write(tmp_path, task() | {"README.md": "# Tasks", "eval/results.json": "[]"})
    for named in (spec, f"{spec}/tasks"):
        dataset = load(named)
        (instance,) = dataset.instances
        assert dataset.split == "test"
        assert (instance.instance_id, instance.repo, instance.version) == ("a__a-1", "a/a", "3.10")
        assert instance.created_at == "2018-01-18T09:55:03Z"
        assert instance.problem_statement == "It is red.\n"
        assert (instance.patch, instance.test_patch) == ("diff --git a/x b/x\n", "diff --git a/t b/t\n")
        assert (instance.hints_text, instance.eval_script) == ("", "#!/bin/sh\n")
        assert instance.tests_to_fix == ["t – one"]
        assert instance.issue_images == ["https://example.org/one.png"]
        assert (instance.image, instance.log_parser) == ("swebench/sweb.eval.x86_64.a_1776_a-1:latest", "parse_log_a")


def test_a_task_without_a_split_is_of_test(tmp_path: Path) -> None:
    files = task()
    files["tasks/a__a-1/task.yaml"] = YAML.format(split="dev").replace("split: dev\n", "")
    assert load(write(tmp_path, files | task("dev", 2))).split == "test"


def test_a_link_to_a_task_is_not_followed(tmp_path: Path) -> None:
    spec = write(tmp_path / "one", task())
    outside = Path(write(tmp_path / "two", task(number=2))) / "tasks" / "a__a-2"
    (tmp_path / "one" / "tasks" / "a__a-2").symlink_to(outside)
    assert ids(load(spec)) == ["a__a-1"]


def test_splits_of_a_task_repository(tmp_path: Path) -> None:
    spec = write(tmp_path, task() | task("dev", 2) | task("deprecated", 3) | task("test", 10))
    assert ids(load(spec)) == ["a__a-1", "a__a-10"]
    assert ids(load(f"{spec}:deprecated")) == ["a__a-3"]
    with pytest.raises(DatasetError, match="no split 'train'"):
        load(f"{spec}:train")


def test_the_revision_of_a_task_repository_changes_with_a_text(tmp_path: Path) -> None:
    spec = write(tmp_path, task())
    before = load(spec).revision
    write(tmp_path, {"tasks/a__a-1/hints.md": "Look at x."})
    after = load(spec)
    assert after.revision != before
    assert after.instances[0].hints_text == "Look at x."


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"task.yaml": "a: [1\nb: 2\n"}, r"a__a-1/task.yaml:2: not YAML: "),
        ({"task.yaml": "- a\n"}, "a__a-1/task.yaml:1: not a YAML mapping"),
        ({"task.yaml": "repo: a/a\nsplit: test\n"}, "a__a-1/task.yaml:1: `base_commit` is missing"),
        ({"tests.json": "{]"}, "a__a-1/tests.json:1: "),
        ({"problem_statement.md": b"one\ntwo \xff"}, "a__a-1/problem_statement.md:2: not UTF-8 text"),
    ],
)
def test_a_bad_task_is_named_by_file_and_line(tmp_path: Path, files: dict[str, bytes | str], complaint: str) -> None:
    spec = write(tmp_path, task() | {f"tasks/a__a-1/{name}": content for name, content in files.items()})
    with pytest.raises(DatasetError, match=f"^{complaint}"):
        load(spec)


def test_yaml_that_grows_without_bounds_is_refused(tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    bomb = f"l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n{levels}image_assets: {{problem_statement: *l8}}\n"
    spec = write(tmp_path, task() | {"tasks/a__a-1/task.yaml": f"{YAML.format(split='test')}{bomb}"})
    with pytest.raises(DatasetError, match=r"^a__a-1/task.yaml:1: "):
        load(spec)
