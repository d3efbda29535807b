"""Names of commits: branches, tags, `HEAD~3`, short ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.bench.git import GitError, run_git
from swebench_tui.bench.git.sealed import git_directory

if TYPE_CHECKING:
    from pathlib import Path


def commit_id(repository: Path, revision: str) -> str:
    """The full id of the commit that `revision` names in a repository. Blocks. Raises `GitError` for no commit."""
    git_directory(repository)
    arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    result = run_git(repository.resolve(), arguments)
    if result.status:
        raise GitError(result.stderr or f"{repository} has no commit {revision!r}")
    return result.stdout.decode("ascii", "replace").split()[-1]
