from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.datasets.data_files import UNNAMED, Config, choose_format, choose_split, split_of, splits


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/test-00000-of-00001.parquet", "test"),
        ("data/dev-00000-of-00001-2fd4b6b4a8f4c2c5.parquet", "dev"),
        ("data/filtered-00000-of-00002.parquet", "filtered"),
        ("test/data-00000-of-00001.arrow", "test"),
        ("data-00000-of-00001.arrow", UNNAMED),
        ("test.jsonl", "test"),
        ("train.json", "train"),
        ("swe-bench-lite_dev.jsonl", "dev"),
        ("test/part-1.jsonl", "test"),
        ("latest.jsonl", UNNAMED),
        ("tasks.parquet", UNNAMED),
        ("contest/rows.jsonl", UNNAMED),
    ],
)
def test_the_split_is_read_from_the_path(path: str, split: str) -> None:
    assert split_of(path) == split


def test_files_that_hold_no_rows_are_left_out() -> None:
    others = ["README.md", ".gitattributes", "dataset_infos.json", "test/state.json", ".cache/test.jsonl", "test.csv"]
    assert splits([*others, "test/data-00000-of-00001.arrow"]) == {"test": ["test/data-00000-of-00001.arrow"]}


def test_the_card_has_priority_over_names() -> None:
    config = Config((("test", "./data/checked-*"), ("all", "data/*.parquet")))
    files = ["data/checked-1.parquet", "data/other.parquet", "old/test.parquet"]
    assert splits(files, config) == {"test": files[:1], "all": files[:2]}


@given(names=st.lists(st.sampled_from(["test", "dev", "train", "filtered"]), min_size=1, unique=True))
def test_the_default_split_is_test_or_the_only_one(names: list[str]) -> None:
    found = {name: [f"{name}.jsonl"] for name in names}
    if "test" in names or len(names) == 1:
        assert choose_split(found, None, name="a/b") == ("test" if "test" in names else names[0])
    else:
        with pytest.raises(DatasetError, match="a/b has several splits: ") as caught:
            choose_split(found, None, name="a/b")
        assert f"a/b:{names[0]}" in caught.value.hint


def test_an_unknown_split_lists_the_splits() -> None:
    with pytest.raises(DatasetError, match="'x'") as caught:
        choose_split({"dev": ["dev.json"], "test": ["test.json"]}, "x", name="a/b")
    assert caught.value.hint == "It has: dev, test."
    with pytest.raises(DatasetError) as caught:
        choose_split({UNNAMED: ["rows.json"]}, "test", name="a/b")
    assert "no splits" in caught.value.hint


def test_an_error_lists_few_of_many_splits() -> None:
    with pytest.raises(DatasetError) as caught:
        choose_split({f"s{number}": ["x.json"] for number in range(99)}, "x", name="a/b")
    assert caught.value.hint.endswith("s11 and 87 more.")


def test_one_format_of_several_is_chosen() -> None:
    both = ["test.jsonl", "test.parquet"]
    assert choose_format(both, name="a/b", tables=True) == ["test.parquet"]
    assert choose_format(both, name="a/b", tables=False) == ["test.jsonl"]


def test_parquet_alone_names_the_command_that_installs_pyarrow() -> None:
    with pytest.raises(DatasetError, match="a/b is in parquet files, which need pyarrow") as caught:
        choose_format(["test.parquet"], name="a/b", tables=False)
    assert caught.value.hint == "Run pip install 'swebench-tui[datasets]'"


@given(total=st.integers(2, 9), missing=st.integers(0, 8))
def test_a_series_with_a_missing_file_is_refused(total: int, missing: int) -> None:
    series = [f"data/test-{number:05}-of-{total:05}.parquet" for number in range(total)]
    assert choose_format(series, name="a/b", tables=True) == series
    with pytest.raises(DatasetError, match=f"{total - 1} of {total} files test-"):
        choose_format(series[: missing % total] + series[missing % total + 1 :], name="a/b", tables=True)
