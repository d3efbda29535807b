"""How a command says that it failed: one place for standard error and exit statuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from swebench_providers import ProviderError
from swebench_tui.bench.datasets import DatasetError
from swebench_tui.bench.repositories.bundled import CheckoutError
from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.terminal_text import one_line, sanitize


class Failed(click.ClickException):
    """The command did not do what it was asked for: exit status 1. Wrong usage is click's own, status 2."""

    exit_code = 1

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {one_line(self.message)}\n{sanitize(self.hint)}", file=file, err=True)


@contextmanager
def failing() -> Iterator[None]:
    """The errors of the layers below as `Failed`."""
    try:
        yield
    except (ProviderError, DatasetError, CheckoutError, PricesError, SetupError) as error:
        raise Failed(str(error), error.hint) from error
