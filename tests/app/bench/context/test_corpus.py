"""Which files a search covers."""

from __future__ import annotations

import pytest

from swebench_tui.bench.context.corpus import MAX_FILE_BYTES, decode, is_lesser, is_test, read_source, source_paths
from tests.app.bench.context.trees import MemoryTree


@pytest.mark.parametrize(
    "path",
    [
        *("tests/a.py", "pkg/test_a.py", "pkg/a_test.py", "pkg/testing/a.py", "pkg/my test/a.py"),
        *("src/__tests__/a.js", "src/a.spec.ts", "src/FooTest.java", "spec/a.rb", "pkg/testdata/a.go"),
    ],
)
def test_tests(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path", ["pkg/contest.py", "pkg/latest/a.py", "pkg/spec.py", "conftest.py", "src/Attestation.java"]
)
def test_what_only_sounds_like_a_test(path: str) -> None:
    assert not is_test(path)


@pytest.mark.parametrize(
    "path", ["docs/conf.py", "setup.py", "pkg/conftest.py", "top.py", "a/tools/b.py", ".github/a.py"]
)
def test_files_about_the_project_count_less(path: str) -> None:
    assert is_lesser(path)


@pytest.mark.parametrize("path", ["pkg/docstring.py", "vendor/pkg/a.py", "pkg/build/a.py", "gin.go", "src/docker.c"])
def test_other_files_count_in_full(path: str) -> None:
    assert not is_lesser(path)


@pytest.mark.parametrize("path", ["dist/axios.js", "vendor/decNumber/a.c", "examples/a.go", "target/a.rs"])
def test_generated_and_foreign_code_counts_less(path: str) -> None:
    assert is_lesser(path)


def test_the_main_language_alone_is_searched() -> None:
    files = ["pkg/a.py", "pkg/b.py", "web/a.js", "README.md", "tests/c.py"]
    assert source_paths(files) == ["pkg/a.py", "pkg/b.py"]
    assert source_paths(files, all_languages=True) == ["pkg/a.py", "pkg/b.py", "web/a.js"]


def test_vendored_code_does_not_decide_the_language() -> None:
    vendored = [f"cextern/zlib/{number}.c" for number in range(9)]
    assert source_paths([*vendored, "pkg/a.py"]) == ["pkg/a.py"]
    assert source_paths([*vendored]) == vendored


def test_python_comes_first_among_equals() -> None:
    assert source_paths(["a/a.js", "a/b.py"]) == ["a/b.py"]


def test_tests_and_texts_are_taken_where_there_is_nothing_else() -> None:
    assert source_paths(["tests/a.py", "README.md"]) == ["tests/a.py"]
    assert source_paths(["README.md", "data.bin"]) == ["README.md"]
    assert source_paths([]) == []


def test_paths_that_would_break_a_marker_are_left_out() -> None:
    assert source_paths(['a".py', "a<b.py", "a\n.py", "a\x1b.py", "a\udc80.py", "a\\b.py", "ä b.py"]) == ["ä b.py"]


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a\r\nb\rc", "a\nb\nc"), (b"caf\xe9", "café"), ("ä".encode(), "ä"), (b"", "")],
)
def test_bytes_become_text_with_line_feeds(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_a_file_that_cannot_be_read_has_a_reason() -> None:
    class Locked(MemoryTree):
        def read(self, path: str) -> bytes | None:
            raise PermissionError(13, "Permission denied", path)

    assert read_source(Locked({}), "a.py") == (None, "cannot be read: Permission denied")


def test_what_cannot_be_shown_has_a_reason() -> None:
    tree = MemoryTree({"a.py": b"a\0b", "b.py": b"#" * (MAX_FILE_BYTES + 1), "c.py": "pass\n"})
    assert read_source(tree, "a.py") == (None, "not text")
    assert read_source(tree, "b.py") == (None, "too large: 1,500,001 bytes")
    assert read_source(tree, "d.py") == (None, "not a regular file, or over 5,000,000 bytes")
    assert read_source(tree, "c.py") == ("pass\n", "")
