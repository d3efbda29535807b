from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.context.all_files import source_files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_code_comes_sorted_by_path_and_as_it_is(tmp_path: Path) -> None:
    lay(
        tmp_path, {"pkg/b.py": b"b = 1\r\n", "pkg/a.py": "a = 'ä'\n".encode(), "pkg-old.py": b"", "README.md": b"# pkg"}
    )
    assert source_files(tmp_path) == [("pkg-old.py", ""), ("pkg/a.py", "a = 'ä'\n"), ("pkg/b.py", "b = 1\r\n")]


def test_tests_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    tests = ["tests/a.py", "pkg/test/a.py", "pkg/test_a.py", "pkg/a_test.py", "conftest.py"]
    hidden = [".git/hook.py", ".venv/lib/a.py", "pkg/.#a.py"]
    lay(tmp_path, dict.fromkeys([*tests, *hidden, "pkg/testing.py"], b""))
    assert source_files(tmp_path) == [("pkg/testing.py", "")]


def test_files_that_are_not_utf_8_are_left_out(tmp_path: Path) -> None:
    lay(tmp_path, {"latin.py": b"# caf\xe9\n", "utf.py": b"pass\n"})
    assert source_files(tmp_path) == [("utf.py", "pass\n")]


def test_links_lead_nowhere(tmp_path: Path) -> None:
    secret = lay(tmp_path / "outside", {"secret.py": b"KEY = 1\n"})
    checkout = lay(tmp_path / "checkout", {"a.py": b""})
    (checkout / "file.py").symlink_to(secret / "secret.py")
    (checkout / "folder").symlink_to(secret)
    (checkout / "broken.py").symlink_to("nowhere.py")
    assert source_files(checkout) == [("a.py", "")]


def test_a_file_that_does_not_fit_is_left_out_whole(tmp_path: Path) -> None:
    lay(tmp_path, {"a.py": b"1234", "b.py": b"123456", "c.py": b"12"})
    assert source_files(tmp_path, max_bytes=6) == [("a.py", "1234"), ("c.py", "12")]


@given(sizes=st.lists(st.integers(0, 40), max_size=6), cap=st.integers(0, 100))
def test_the_cap_holds_and_no_file_is_cut(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cap: int) -> None:
    checkout = lay(
        tmp_path_factory.mktemp("checkout"), {f"m{number}.py": b"#" * size for number, size in enumerate(sizes)}
    )
    taken = source_files(checkout, max_bytes=cap)
    assert sum(len(text) for _, text in taken) <= cap
    assert all(len(text) == sizes[int(path[1:-3])] for path, text in taken)
    if sum(sizes) <= cap:
        assert len(taken) == len(sizes)
