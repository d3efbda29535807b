"""`swebench-tui embedded install`, with a real runtime, real weights, and an installer of the test's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.cli.main import main


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `uv` that cannot reach the index, alone on the PATH, with no runtime installed."""
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@" > "$0.asked"\necho \'no route to the index \033[31m\' >&2\nexit 1\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    return uv


def test_an_installed_model_is_not_downloaded_again() -> None:
    result = CliRunner().invoke(main, ["embedded", "install"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Embedded model ready: ")
    assert result.stdout.endswith(".gguf\n")
    assert result.stderr == ""


def test_a_failed_installation_shows_the_error_and_a_hint(installer: Path) -> None:
    result = CliRunner().invoke(main, ["embedded", "install"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Installing xllamacpp")
    assert "failed: no route to the index ␛[31m" in result.stderr
    assert "Check the network and the package index, then try again." in result.stderr
    assert "pip install --python" in installer.with_name("uv.asked").read_text()


def test_provider_list_names_the_install_command(installer: Path) -> None:
    assert installer.exists()
    result = CliRunner().invoke(main, ["provider", "list"])
    assert "run: swebench-tui embedded install" in result.stdout
