"""Command errors: the one place for messages on standard error and for exit statuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from swebench_providers import ProviderError
from swebench_tui.bench.context.errors import ContextError
from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.git import GitError
from swebench_tui.bench.predictions import PredictionsError
from swebench_tui.bench.prompts import PromptError
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.settings.errors import SetupError
from swebench_tui.terminal_text import one_line, sanitize


class Failed(click.ClickException):
    """The command failed: exit status 1. Usage errors are `click.UsageError`, status 2."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {one_line(self.message)}\n{sanitize(self.hint)}", file=file, err=True)


@contextmanager
def failing() -> Iterator[None]:
    """Turn the errors of the layers below into `Failed`."""
    try:
        yield
    except (
        ProviderError,
        DatasetError,
        RepositoryError,
        ContextError,
        PredictionsError,
        PromptError,
        SetupError,
    ) as error:
        raise Failed(str(error), error.hint) from error
    except GitError as error:
        raise Failed(str(error), "Check that git is installed and that the repository is whole.") from error
