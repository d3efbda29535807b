"""`git apply --check`, of one patch on a work tree or an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.git.errors import GitError
from swebench_tui.bench.git.runner import run_git

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from swebench_tui.bench.git.sealed import SealedFolder


def apply_check(
    sealed: SealedFolder,
    patch: bytes,
    *,
    cached: bool = False,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str | None:
    """None when `git apply --check` accepts `patch`, else git's message. No fuzz, no whitespace leniency.

    The patch is checked on the index if `cached`, else on the files in `folder`. `variables` replace the sealed ones.
    """
    options = ["--check", *(["--cached"] if cached else [])]
    result = run_git(
        folder or sealed.folder, ["apply", *options, "-"], stdin=patch, variables=variables or sealed.variables
    )
    message = result.stderr
    if result.status and (not message or any(line.startswith("fatal:") for line in message.split("\n"))):
        raise GitError(message or f"git apply ended with status {result.status}")
    return message if result.status else None
