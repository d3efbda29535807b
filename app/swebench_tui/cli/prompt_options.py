"""The flags that say how prompts of tasks are made: the same ones on every command that makes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import click

from swebench_tui.bench.prompts import AnswerFormat
from swebench_tui.services.prompt_settings import CONTEXT_NAMES, prompt_options
from swebench_tui.services.task_prompts import PromptOptions
from swebench_tui.settings.definitions import Settings

T = TypeVar("T")

_OPTIONS: Final = (
    click.option(
        "--context",
        type=click.Choice(CONTEXT_NAMES),
        help="Files in the prompt: none, those of the gold patch (oracle), found by a search for the issue (search, or"
        " bm25), named by the model in a first call (pick), or all. auto: all for starter tasks, search where the"
        " repository is on this machine, else none. Default: the setting context.mode, which is auto.",
    ),
    click.option(
        "--context-tokens",
        type=click.IntRange(min=0),
        metavar="N",
        help="Tokens of files, as far as the model's window has room. Default: 27000.",
    ),
    click.option(
        "--format",
        "answer_format",
        type=click.Choice([form.value for form in AnswerFormat]),
        help="How the model writes its change. Default: search-replace.",
    ),
    click.option(
        "--template", type=click.Path(path_type=Path), metavar="FILE", help="Prompt template of your own, in Jinja."
    ),
    click.option(
        "--numbered/--plain", "numbered", default=None, help="Number the lines of files. Default: only for diff."
    ),
)


class PromptFlags(NamedTuple):
    """The flags of a command; None was not given."""

    context: str | None
    context_tokens: int | None
    answer_format: str | None
    template: Path | None
    numbered: bool | None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self != PromptFlags(None, None, None, None, None)

    def options(self, settings: Settings, *, max_tokens: int | None = None) -> PromptOptions:
        """With the settings for what was not given. Blocks: reads the template. Raises `PromptError`."""
        return prompt_options(settings, **self._asdict(), max_tokens=max_tokens)


def with_prompt_flags(function: Callable[..., T]) -> Callable[..., T]:
    """Add the flags to a command, which gets them as its argument `prompt_flags`."""

    @wraps(function)
    def command(
        *,
        context: str | None,
        context_tokens: int | None,
        answer_format: str | None,
        template: Path | None,
        numbered: bool | None,
        **others: object,
    ) -> T:
        flags = PromptFlags(context, context_tokens, answer_format, template, numbered)
        return function(prompt_flags=flags, **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
