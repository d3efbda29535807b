"""`swebench-tui embedded install`, with a real runtime, real weights, and an installer of the test's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from swebench_tui.cli.main import main


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `uv` that says it cannot reach the index, first and only on the PATH. The runtime counts as not installed."""
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@" > "$0.asked"\necho \'no route to the index \033[31m\' >&2\nexit 1\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    return uv


def test_where_all_is_there_nothing_is_fetched() -> None:
    result = CliRunner().invoke(main, ["embedded", "install"])
    assert result.exit_code == 0
    assert result.stdout.startswith("The embedded model is ready: ")
    assert result.stdout.endswith(".gguf\n")
    assert result.stderr == ""


def test_an_installation_that_fails_says_what_failed_and_what_to_do(installer: Path) -> None:
    result = CliRunner().invoke(main, ["embedded", "install"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Installing xllamacpp")
    assert "failed: no route to the index ␛[31m" in result.stderr
    assert "Check the network and the package index, then run it again." in result.stderr
    assert "pip install --python" in installer.with_name("uv.asked").read_text()


def test_provider_list_names_the_command_where_the_model_is_missing(installer: Path) -> None:
    assert installer.exists()
    result = CliRunner().invoke(main, ["provider", "list"])
    assert "run: swebench-tui embedded install" in result.stdout
