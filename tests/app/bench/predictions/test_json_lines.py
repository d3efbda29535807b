"""Files of JSON lines: torn tails, several processes, encodings."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.predictions import json_lines
from swebench_tui.bench.predictions.errors import PredictionsError
from tests.app.bench.predictions.records import HOSTILE

FIRST = json_lines.encode_line({"id": "first", "text": HOSTILE})
SECOND = json_lines.encode_line({"id": "second", "text": HOSTILE})
NEW = json_lines.encode_line({"id": "new"})


def append(path: Path, line: bytes) -> json_lines.TornTail | None:
    with json_lines.locked(path):
        return json_lines.append(path, line)


def append_many(path: Path, name: int) -> None:
    for number in range(50):
        append(path, json_lines.encode_line({"id": f"{name}-{number}", "text": "x" * 5_000}))


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_a_record_is_one_ascii_line_for_every_reader(text: str) -> None:
    line = json_lines.encode_line({"text": text})
    assert line.isascii()
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line) == json_lines.decode_line(line) == {"text": text}


def test_a_torn_line_is_moved_aside_and_nothing_else_lost(tmp_path: Path) -> None:
    for kept in range(1, len(SECOND) - 1):
        path = tmp_path / f"{kept}.jsonl"
        path.write_bytes(FIRST + SECOND[:kept])
        torn = append(path, NEW)
        assert torn == json_lines.TornTail(tmp_path / f"{kept}.jsonl.torn", kept)
        assert path.read_bytes() == FIRST + NEW
        assert torn.moved_to.read_bytes() == SECOND[:kept] + b"\n"


def test_a_whole_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(FIRST + SECOND.rstrip(b"\n"))
    assert append(path, NEW) is None
    assert path.read_bytes() == FIRST + SECOND + NEW


def test_zeros_after_a_power_cut_are_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(FIRST + bytes(200_000))
    torn = append(path, NEW)
    assert torn is not None
    assert torn.size == 200_000
    assert path.read_bytes() == FIRST + NEW


def test_a_second_torn_line_joins_the_first_one(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    for torn in (b'{"a', b'{"b'):
        with path.open("ab") as file:
            file.write(torn)
        append(path, NEW)
    assert path.with_name("p.jsonl.torn").read_bytes() == b'{"a\n{"b\n'
    assert path.read_bytes() == NEW + NEW


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=append_many, args=(path, name)) for name in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    ids = [json.loads(line)["id"] for line in path.read_bytes().splitlines()]
    assert sorted(ids) == sorted(f"{name}-{number}" for name in range(3) for number in range(50))


def test_only_the_owner_reads_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    json_lines.append(path, NEW, private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_replaced_file_keeps_its_mode_and_link(tmp_path: Path) -> None:
    path, link = tmp_path / "p.jsonl", tmp_path / "link.jsonl"
    append(path, FIRST)
    path.chmod(0o640)
    link.symlink_to(path)
    json_lines.replace(link, [NEW])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), link.is_symlink()) == (NEW, 0o640, True)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".p.jsonl.lock", "link.jsonl", "p.jsonl"]


def test_a_held_lock_is_an_error_that_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_LOCK_TIMEOUT", 0.05)
    path = tmp_path / "p.jsonl"
    with json_lines.locked(path), pytest.raises(PredictionsError, match=r"p\.jsonl is being written by another"):
        append(path, NEW)
    append(path, NEW)


@pytest.mark.parametrize("line", [b"[1]", b"3", b"{", b"\xff", b"[" * 100_000])
def test_a_line_that_is_no_object_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json_lines.decode_line(line)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PredictionsError, match=r"cannot be written: .*") as caught:
        append(tmp_path / "file" / "p.jsonl", NEW)
    assert "--output" in caught.value.hint


def test_a_device_is_not_read() -> None:
    with pytest.raises(PredictionsError, match="is not a regular file"):
        list(json_lines.read_lines(Path("/dev/zero")))
