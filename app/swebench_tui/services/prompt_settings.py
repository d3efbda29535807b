"""How prompts are made, from the settings and what a front end overrides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.prompts import AnswerFormat, Template, read_template
from swebench_tui.services.task_prompts import PromptOptions
from swebench_tui.settings.definitions import DEFAULT_CONTEXT_TOKENS

if TYPE_CHECKING:
    from swebench_tui.settings.definitions import Settings

AUTO: Final = "auto"

CONTEXT_NAMES: Final = (AUTO, *(mode.value for mode in ContextMode), "bm25")
"""What the user can write for a context mode; `bm25` is `search`."""


def context_mode(name: str) -> ContextMode | None:
    """The mode with this name, None for `auto`. Raises `ValueError` for any other."""
    if name == AUTO:
        return None
    return ContextMode.SEARCH if name == "bm25" else ContextMode(name)


def prompt_options(
    settings: Settings,
    *,
    context: str | None = None,
    context_tokens: int | None = None,
    answer_format: str | None = None,
    template: Path | None = None,
    numbered: bool | None = None,
    max_tokens: int | None = None,
) -> PromptOptions:
    """The options of the settings, each replaced by the one that is given here. Blocks: reads the template.

    A given `answer_format` comes before a template of the settings. Raises `PromptError`.
    """
    form = AnswerFormat(answer_format or settings.prompt.format)
    tokens = settings.context.tokens if context_tokens is None else context_tokens
    if template is None and answer_format is None and settings.prompt.template:
        template = Path(settings.prompt.template)
    return PromptOptions(
        context=context_mode(context or settings.context.mode),
        context_tokens=None if tokens == DEFAULT_CONTEXT_TOKENS and context_tokens is None else tokens,
        template=Template(answer_format=form, numbered=numbered)
        if template is None
        else read_template(template, form, numbered=numbered),
        max_tokens=max_tokens,
    )
