"""What the pages name exists: files, tests, headings, sections of the wire contracts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
ROOTS = (PROJECT, PROJECT / "app" / "swebench_tui", PROJECT / "providers" / "swebench_providers")
CONTRACTS = (PROJECT / "docs" / "wire-contracts.md").read_text("utf-8")
SECTIONS = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", CONTRACTS, re.MULTILINE))
SOURCES = [
    path
    for folder in ("app", "providers", "tests")
    for pattern in ("*.py", "*.toml")
    for path in (PROJECT / folder).rglob(pattern)
]
CITATION = re.compile(r"wire-contracts((?:,? (?:and )?\d+(?:\.\d+)?)+)")
OWN_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*(?:\.(?:py|md|toml|tcss))?)`")
PROGRAM = "\n".join(path.read_text("utf-8") for path in SOURCES if path.suffix == ".py" and "tests" not in path.parts)
OTHERS = {"wire-contracts.md", "complaints.md", "api.md"}
"""Pages that name files of other projects, or media types."""


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def citations() -> list[tuple[str, str]]:
    """Each cited section of the wire contracts, with its file."""
    return [
        (path.relative_to(PROJECT).as_posix(), section)
        for path in SOURCES
        for cited in CITATION.findall(path.read_text("utf-8"))
        for section in re.findall(r"\d+(?:\.\d+)?", cited)
    ]


def test_every_cited_section_of_the_wire_contracts_exists() -> None:
    found = citations()
    assert len(found) > 30
    assert [citation for citation in found if citation[1] not in SECTIONS] == []


def test_citations_use_one_name_for_the_contracts() -> None:
    assert [path for path in SOURCES if "api-" + "contracts" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE) if file.is_file() else []
        if not file.exists() or (anchor and anchor not in map(slug, headings)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in OTHERS], ids=lambda page: page.name)
def test_paths_that_pages_name_exist(page: Path) -> None:
    named = set(OWN_PATH.findall(page.read_text("utf-8")))
    placeholders = {path for path in named if re.search(r"[A-Z]{3,}", path.removesuffix(".md"))}
    missing = [path for path in sorted(named - placeholders) if not any((root / path).exists() for root in ROOTS)]
    assert missing == []


def test_every_package_is_in_the_architecture() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    table = page.partition("## Packages\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    folders = {
        path.name for root in ROOTS[1:] for path in root.iterdir() if path.is_dir() and (path / "__init__.py").exists()
    }
    assert listed == folders


def test_every_invariant_names_the_tests_that_hold_it() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    table = page.partition("## Invariants\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", table, re.MULTILINE)[1:]
    assert len(rows) > 15
    assert [promise for promise, tests in rows if not re.fullmatch(r"(?:`tests/[\w/]+\.py`(?:, )?)+", tests)] == []


def messages(page: str) -> list[str]:
    """The messages that a page quotes in bold, in parts around `...`."""
    quoted = re.findall(r'\*\*[^*"]*"([^"]+)"[^*"]*\*\*', page)
    return [part.strip() for message in quoted for part in message.split("...") if part.strip()]


def test_messages_in_troubleshooting_are_those_of_the_program() -> None:
    found = messages((PROJECT / "docs" / "troubleshooting.md").read_text("utf-8"))
    assert len(found) >= 8
    assert [message for message in found if message not in PROGRAM] == []


def test_a_message_that_the_program_lacks_is_found() -> None:
    assert messages('**The app: "No such text".** Do. **"a ... b"**') == ["No such text", "a", "b"]
    assert "No such text" not in PROGRAM


def test_the_readme_links_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", (PROJECT / "README.md").read_text("utf-8")))
    assert [page.name for page in PAGES[1:] if page.relative_to(PROJECT).as_posix() not in linked] == []
