"""Git as a subprocess. One runner starts every process: `runner.py` says what is shut off."""

from swebench_tui.bench.git.diff import diff_texts
from swebench_tui.bench.git.errors import GitCancelledError, GitError
from swebench_tui.bench.git.process import Cancellation, cancellable
from swebench_tui.bench.git.runner import GitResult, git_time_limit, run_git

__all__ = [
    "Cancellation",
    "GitCancelledError",
    "GitError",
    "GitResult",
    "cancellable",
    "diff_texts",
    "git_time_limit",
    "run_git",
]
