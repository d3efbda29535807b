"""Which answers are guided: those of llama.cpp servers to starter tasks, as the user has chosen.

guide = await guide_for(prompt, source, "auto")
column = comparison.column(target, prompt, source, guide=guide)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.prompts import AnswerFormat
from swebench_tui.bench.repositories import bundled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swebench_providers import UnifiedRequest
    from swebench_tui.bench.guided import Guide
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.prompts import Template
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


def guided_request(
    prompt: TaskPrompt, source: Source, guide: Guide | None, *, max_tokens: int | None, stream: bool = True
) -> tuple[UnifiedRequest, Guide | None]:
    """The request for a prompt, and the guide that its answer follows; a provider without grammars follows none."""
    followed = guide if source.takes_grammar else None
    request = prompt.request(
        max_tokens=max_tokens or (None if followed is None else followed.longest),
        stream=stream,
        grammar=None if guide is None else guide.grammar,
    )
    return request, followed


def guides_run(
    source: Source, choice: GuidedStarter, instances: Sequence[Instance], template: Template, mode: ContextMode | None
) -> bool:
    """Whether answers of a run are guided: the label of its predictions. False means that none of them is."""
    chosen = source.takes_grammar and (choice == "on" or (choice == "auto" and source.embedded))
    return chosen and mode is not ContextMode.NONE and _asks_for_blocks(template) and any(map(is_starter, instances))


def why_never_guided(instances: Sequence[Instance], template: Template, mode: ContextMode | None) -> str:
    """What is missing for a guided answer to any of these tasks, with the flags; empty where nothing is."""
    if not any(map(is_starter, instances)):
        return "starter tasks: --dataset starter"
    if not _asks_for_blocks(template):
        return "SEARCH/REPLACE blocks: --format search-replace, without a template of your own"
    return "files in the prompt: not --context none" if mode is ContextMode.NONE else ""


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
    return (template is None or _asks_for_blocks(template)) and is_starter(instance)


def _asks_for_blocks(template: Template) -> bool:
    return template.text is None and template.answer_format is AnswerFormat.SEARCH_REPLACE


def is_starter(instance: Instance) -> bool:
    """Whether it is a starter task, by its commit too: another dataset may name a repository like a bundled one."""
    return bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit
