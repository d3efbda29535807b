"""Definitions as regular expressions find them."""

from __future__ import annotations

import time

import pytest

from swebench_tui.bench.context.languages import LANGUAGES, Language, language_of

PYTHON = """\
LIMIT = 3
NAME: str = "x"
a == b
class Span(Base):
    size = 4
    def overlap(self): ...
    async  def wait(self): ...
        def deep(): ...
@decorated
def LIMIT(): ...
# def comment
print "old dialect"
"""


def test_python() -> None:
    language = language_of("pkg/a.py")
    assert language is not None
    assert language.defined(PYTHON) == {
        "LIMIT": 1.0,
        "NAME": 0.5,
        "Span": 2.0,
        "overlap": 1.0,
        "wait": 1.0,
        "deep": 1.0,
    }
    assert [PYTHON[offset:].partition("\n")[0].strip() for offset, _ in language.starts(PYTHON)] == [
        "class Span(Base):",
        "def overlap(self): ...",
        "async  def wait(self): ...",
        "def LIMIT(): ...",
    ]


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        (
            "a.ts",
            (
                "export default class Span {\n  async overlap(a: Span): boolean {\n    if (a) {\n    }\n  }\n}\n"
                "export function book() {}\nexport const pick = async () => 1\nconst LIMIT = 3\ninterface Shape {}\n"
            ),
            {"Span": 2.0, "overlap": 1.0, "book": 1.0, "pick": 1.0, "LIMIT": 0.5, "Shape": 2.0},
        ),
        (
            "A.java",
            (
                "public final class Span<T> {\n    private static List<String> names(int a) {\n"
                "        return new Foo(a);\n"
                "    }\n    public int size() {\n        if (x) {\n}\n"
            ),
            {"Span": 2.0, "names": 1.0, "size": 1.0},
        ),
        (
            "a.go",
            "type Span struct {\nfunc (s *Span) Overlap(o Span) bool {\nfunc Book() {\nvar Limit = 3\n",
            {"Span": 2.0, "Overlap": 1.0, "Book": 1.0, "Limit": 0.5},
        ),
        (
            "a.rs",
            (
                "pub(crate) struct Span;\nimpl Span {\n    pub async fn overlap(&self) {}\n"
                "    pub const unsafe fn go() {}\n}\n"
                "macro_rules! spans {\npub static LIMIT: u8 = 3;\n"
            ),
            {"Span": 2.0, "overlap": 1.0, "go": 1.0, "spans": 1.0, "LIMIT": 0.5},
        ),
        (
            "a.cpp",
            (
                "#define LIMIT 3\nstruct span {\nclass Forward;\nstatic int book(int a,\nbool Span::overlap(Span b) {\n"
                "    return book(a);\n    if (a) {\n"
            ),
            {"LIMIT": 0.5, "span": 2.0, "book": 1.0, "Span::overlap": 1.0},
        ),
        (
            "a.rb",
            "module Hotel\n  class Span < Base\n    LIMIT = 3\n    def overlap?(other)\n    def self.book\n",
            {"Hotel": 2.0, "Span": 2.0, "LIMIT": 0.5, "overlap?": 1.0, "book": 1.0},
        ),
        (
            "a.php",
            "final class Span\n    public static function overlap() {\n    private const LIMIT = 3;\n",
            {"Span": 2.0, "overlap": 1.0, "LIMIT": 0.5},
        ),
        ("a.lua", "local function book(a)\n", {"book": 1.0}),
    ],
)
def test_other_languages(path: str, text: str, names: dict[str, float]) -> None:
    language = language_of(path)
    assert language is not None
    assert language.defined(text) == names


@pytest.mark.parametrize("path", ["README.md", "py", ".py", "a.pyc", "folder.py/data", "Makefile"])
def test_what_is_no_source_code(path: str) -> None:
    assert language_of(path) is None


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
@pytest.mark.parametrize(
    "unit", ["a ", "a", "\t", "* ", "a<b> ", "(", "a::", "def ", "static ", "x = ", "pub(", "\n  "]
)
def test_the_time_grows_with_the_text_alone(language: Language, unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        language.defined(text)
        return time.process_time() - began

    assert seconds(200_000) < 20 * seconds(20_000) + 0.5
