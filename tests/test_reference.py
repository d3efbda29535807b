"""The generated pages are what the program and the docstrings say."""

from __future__ import annotations

from pathlib import Path

import pytest

import swebench_providers
from scripts import reference


@pytest.mark.parametrize(("page", "generate"), sorted(reference.PAGES.items()))
def test_a_generated_page_is_up_to_date(page: str, generate: reference.Generator) -> None:
    written = (reference.DOCS / page).read_text("utf-8")
    assert written == generate(), "run: uv run python scripts/reference.py"


def test_the_command_line_page_has_every_command() -> None:
    text = reference.command_line()
    for command in ("compare", "doctor", "provider init", "provider test", "settings set", "completions"):
        assert f"\n## swebench-tui {command}\n" in text


def test_the_api_page_documents_every_public_name() -> None:
    entries = dict(reference.entries())
    assert set(entries) == set(swebench_providers.__all__)
    for name, entry in entries.items():
        heading, *body = entry.split("\n\n")
        assert heading == f"## {name}"
        assert any(part[:1].isalpha() or (part[:1] == "`" and part[:3] != "```") for part in body), (
            f"{name}: no docstring"
        )


def test_the_settings_page_follows_from_the_definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (reference.DOCS / "settings.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `appearance.theme` |")]
    assert len(rows) == 1
    (tmp_path / "settings.md").write_text(page.replace(rows[0], "| `gone` | An old row. | a string | `1` |"), "utf-8")
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    assert reference.settings() == page


def test_a_settings_page_without_markers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.md").write_text("# Settings\n", "utf-8")
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    with pytest.raises(ValueError, match="needs the lines"):
        reference.settings()
