"""A diff of two versions of some texts, made by git."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from swebench_tui.bench.git.errors import GitError
from swebench_tui.bench.git.runner import run_git

if TYPE_CHECKING:
    from collections.abc import Sequence


def diff_texts(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    """One git diff over all (old, new) pairs; the files in it are named 0, 1, 2 ... Equal pairs do not appear."""
    with tempfile.TemporaryDirectory(prefix="swebench-tui-") as name:
        folder = Path(name)
        for side, versions in zip("ab", zip(*pairs, strict=True), strict=False):
            (folder / side).mkdir()
            for number, content in enumerate(versions):
                (folder / side / str(number)).write_bytes(content)
        options = [
            "--no-index",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--text",
            "--src-prefix=",
            "--dst-prefix=",
        ]
        result = run_git(folder, ["diff", *options, "a", "b"])
    if result.status > 1:
        raise GitError(result.stderr)
    return result.stdout.decode("utf-8", "surrogateescape")
