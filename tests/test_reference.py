"""The generated pages are what the program and the docstrings say."""

from __future__ import annotations

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
