"""Rules of the whole: who imports whom, how long a file may be, and what an installed package must hold."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGES = {"swebench_tui": PROJECT / "app", "swebench_providers": PROJECT / "providers"}
SOURCES = [path for root in PACKAGES.values() for path in root.rglob("*.py") if "starter" not in path.parts]
LONGEST = 500


def data_files(folder: Traversable, inside: str = "") -> list[str]:
    """What is no compiled code below `folder`, as POSIX paths."""
    found: list[str] = []
    for entry in folder.iterdir():
        path = f"{inside}{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            found += data_files(entry, f"{path}/")
        elif entry.is_file():
            found.append(path)
    return found


def test_imports_go_the_ways_that_the_contracts_allow() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert ", 0 broken." in done.stdout


def test_the_contracts_cover_both_packages() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert set(contracts["root_packages"]) == set(PACKAGES)
    layers = next(contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers")
    named = {name for layer in layers for name in layer.split(" : ")}
    parts = {f"swebench_tui.{path.name}" for path in (PROJECT / "app" / "swebench_tui").iterdir() if path.is_dir()}
    assert parts - {"swebench_tui.__pycache__"} <= named


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_file_is_too_long_to_be_read(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        ("swebench_tui", "py.typed"),
        ("swebench_tui", "tui/app.tcss"),
        ("swebench_tui", "tui/screens/compare/compare.tcss"),
        ("swebench_tui", "bench/starter/tasks.jsonl"),
        ("swebench_tui", "bench/starter/repos/calspan/pyproject.toml"),
        ("swebench_tui", "bench/starter/repos/calspan/tests/test_spans.py"),
        ("swebench_providers", "py.typed"),
        ("swebench_providers", "catalog/providers/openai.toml"),
        ("swebench_providers", "catalog/families/openai.toml"),
    ],
)
def test_data_files_are_found_in_the_package(package: str, wanted: str) -> None:
    assert wanted in data_files(files(package))


def test_no_package_file_is_ignored_by_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(PROJECT / ".gitignore", tmp_path)
    paths = [
        f"{root.relative_to(PROJECT).as_posix()}/{package}/{path}"
        for package, root in PACKAGES.items()
        for path in data_files(files(package))
    ]
    listed = "\n".join(paths)
    command = ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(command, input=listed, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
