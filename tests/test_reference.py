"""The generated pages are what the program and the docstrings say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import swebench_providers
from scripts import reference


def test_the_generated_pages_are_up_to_date() -> None:
    """In a process of its own: click keeps the help option of a command as its first caller in a process saw it."""
    script = Path(reference.__file__)
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_stale_page_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for page in reference.PAGES:
        shutil.copy(reference.DOCS / page, tmp_path)
    (tmp_path / "api.md").write_text("# Python API\n", "utf-8")
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    assert reference.main(["--check"]) == 1
    assert "docs/api.md is not up to date" in capsys.readouterr().err


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
