"""Parquet and arrow files: the same rows as in JSON Lines, and no more trouble."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.datasets import DatasetError, load, tables
from tests.app.bench.datasets.tables import arrow, columns, parquet

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows_of_one_shape = st.lists(
    st.fixed_dictionaries(
        {
            "repo": text,
            "instance_id": text.filter(bool),
            "base_commit": text,
            "problem_statement": text,
            "patch": text | st.none(),
            "FAIL_TO_PASS": st.lists(text, max_size=2),
            "difficulty": text | st.none(),
            "text": text,
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: str(row["instance_id"]),
)


@given(rows=rows_of_one_shape)
def test_all_formats_hold_the_same_instances(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    contents = {
        "rows.jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "rows.json": json.dumps(rows).encode(),
        "rows.parquet": parquet(rows),
        "stream.arrow": arrow(rows),
        "file.arrow": arrow(rows, streaming=False),
    }
    loaded = set()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        loaded.add(repr(load(str(folder / name)).instances))
    assert len(loaded) == 1


def test_a_prompt_column_is_never_read(tmp_path: Path) -> None:
    """Sets such as SWE-bench_oracle hold whole prompts in `text`, and patches in tags."""
    gold = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    row = columns("a-1", text="a whole prompt", patch=f"<patch>\n{gold}</patch>")
    (tmp_path / "rows.parquet").write_bytes(parquet([row]))
    (instance,) = load(str(tmp_path / "rows.parquet")).instances
    assert instance.patch == gold
    assert "a whole prompt" not in repr(instance)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_small_file_of_much_text_is_refused(tmp_path: Path, suffix: str) -> None:
    """Equal text takes no space in a parquet file."""
    rows = [columns(f"a-{n}", problem_statement="x" * 10_000) for n in range(600)]
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(parquet(rows) if suffix == "parquet" else arrow(rows))
    assert len(list(tables.rows(path, name="x", limit=7_000_000))) == 600
    with pytest.raises(DatasetError, match="x is too large"):
        list(tables.rows(path, name="x", limit=1_000_000))


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_only_known_columns_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    rows = [columns("a-1", text="a whole prompt", patch="p")]
    path.write_bytes(parquet(rows) if suffix == "parquet" else arrow(rows))
    ((_, row),) = tables.rows(path, name="x")
    assert isinstance(row, dict)
    assert row.keys() == columns("a-1").keys() | {"patch"}


def test_dates_become_text(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(parquet([columns("a-1", created_at=datetime(2024, 2, 6, tzinfo=UTC))]))
    (instance,) = load(str(tmp_path / "rows.parquet")).instances
    assert instance.created_at == "2024-02-06T00:00:00+00:00"


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"ARROW1\0\0", b"\xff" * 100, b'{"repo": "a/a"}'])
def test_a_damaged_file_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=rf"^{name}:1: not readable: |^{name} holds no tasks"):
        load(str(tmp_path / name))


@given(cut=st.integers(0, 1400))
def test_a_cut_file_never_loads_partly(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.parquet"
    whole = parquet([columns("a-1"), columns("a-2")])
    if cut >= len(whole):
        return
    path.write_bytes(whole[:cut])
    with pytest.raises(DatasetError):
        load(str(path))


def test_a_bad_row_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(parquet([columns("a-1"), columns("a-2", base_commit=None)]))
    with pytest.raises(DatasetError, match=r"^rows.parquet:2: Expected `str`, got `null` - at `\$.base_commit`$"):
        load(str(tmp_path / "rows.parquet"))


def test_without_pyarrow_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.parquet").write_bytes(parquet([columns("a-1")]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match="needs pyarrow") as caught:
        load(str(tmp_path / "rows.parquet"))
    assert caught.value.hint == "Run pip install 'swebench-tui[datasets]'"
