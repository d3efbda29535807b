"""Which answers are guided: those of llama.cpp servers to starter tasks, as the user has chosen.

guide = await guide_for(prompt, source, "auto")
column = comparison.column(target, prompt, source, guide=guide)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from swebench_tui.bench.prompts import AnswerFormat
from swebench_tui.bench.repositories import bundled

if TYPE_CHECKING:
    from swebench_tui.bench.guided import Guide
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.task import TaskPrompt
    from swebench_tui.runs.generation import Source
    from swebench_tui.settings.definitions import GuidedStarter


async def guide_for(prompt: TaskPrompt, source: Source, choice: GuidedStarter) -> Guide | None:
    """The guide for this prompt and provider; None where the answer is free.

    With `on` it is also there for a provider that takes no grammar, which says so in its answer.
    """
    if choice == "off" or (choice == "auto" and not (source.embedded and source.takes_grammar)):
        return None
    return await asyncio.to_thread(prompt_guide, prompt)


def prompt_guide(prompt: TaskPrompt) -> Guide | None:
    """The guide for a prompt, made of its issue and whole files. Takes about 20 ms; None where it cannot be guided."""
    if not can_be_guided(prompt) or prompt.instance is None or prompt.shown is None:
        return None
    from swebench_tui.bench.guided import make_guide  # noqa: PLC0415 - the app starts without it

    files = [(file.path, file.windows[0].text) for file in prompt.shown.files if file.whole and file.windows]
    return make_guide(prompt.instance.problem_statement, files)


def can_be_guided(prompt: TaskPrompt) -> bool:
    """Whether it is the prompt of a starter task, with its files, that asks for SEARCH/REPLACE blocks."""
    instance, template = prompt.instance, prompt.template
    if instance is None or prompt.shown is None or not prompt.shown.files:
        return False
    if template is not None and (
        template.text is not None or template.answer_format is not AnswerFormat.SEARCH_REPLACE
    ):
        return False
    return is_starter(instance)


def is_starter(instance: Instance) -> bool:
    """Whether it is a starter task, by its commit too: another dataset may name a repository like a bundled one."""
    return bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit
