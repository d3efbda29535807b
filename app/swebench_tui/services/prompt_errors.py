"""The errors that making a task's prompt may raise, for whoever shows them."""

from __future__ import annotations

from typing import Final

from swebench_providers import ProviderError
from swebench_tui.bench.context.errors import ContextError
from swebench_tui.bench.git import GitError
from swebench_tui.bench.prompts import PromptError
from swebench_tui.bench.repositories.errors import RepositoryError

PROMPT_ERRORS: Final = (ContextError, GitError, PromptError, ProviderError, RepositoryError)


def hint_of(error: Exception) -> str:
    """What to do about one of these errors."""
    return str(getattr(error, "hint", "")) or "Run `swebench-tui doctor`: it checks git and the cache."
