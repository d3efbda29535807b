"""The prompts of the comparison: from which dataset, with which context, for which model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench import datasets
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.target import Target
from swebench_tui.services.prompt_settings import prompt_options
from swebench_tui.services.provider_access import EngineAccess
from swebench_tui.services.repositories import configured_repositories
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings.definitions import Settings

if TYPE_CHECKING:
    from swebench_tui.bench.repositories.progress import Report
    from swebench_tui.runs.engine import Engine


class Tasks:
    """Makes prompts as the settings say, until the user chooses other options. Raises `PROMPT_ERRORS`."""

    def __init__(self, engine: Engine, settings: Callable[[], Settings]) -> None:
        self.dataset = datasets.STARTER
        self._engine = engine
        self._settings = settings
        self._chosen: PromptOptions | None = None
        self._prompts: TaskPrompts | None = None

    def prompts(self) -> TaskPrompts:
        """What makes the prompts; repositories are where the settings say at the first call."""
        if self._prompts is None:
            repositories = configured_repositories(self._settings())
            access = EngineAccess(self._engine)
            self._prompts = TaskPrompts(access, sources=self._engine.source, repositories=repositories)
        return self._prompts

    async def options(self) -> PromptOptions:
        """The options that the next prompts are made with."""
        if self._chosen is None:
            return await asyncio.to_thread(prompt_options, self._settings())
        return self._chosen

    def choose(self, options: PromptOptions) -> None:
        """Make the next prompts with these options."""
        self._chosen = options

    async def first(self) -> TaskPrompt:
        """The prompt of the dataset's first task. Raises `DatasetError` too."""
        dataset = await asyncio.to_thread(datasets.load, self.dataset)
        return await self.make(dataset.instances[0], dataset=self.dataset, revision=dataset.revision)

    async def make(self, instance: Instance, *, dataset: str, revision: str) -> TaskPrompt:
        """The prompt of a task for a model of which nothing is known: that of a column may have fewer files."""
        options = await self.options()
        if options.context is ContextMode.PICK:  # that is each model's own call
            options = msgspec.structs.replace(options, context=None)
        return await self.prompts().build(instance, None, options, dataset=dataset, revision=revision)

    async def for_column(self, task: TaskPrompt, target: Target, progress: Callable[[str], None]) -> TaskPrompt:
        """The user's own text as it is, else the task's files within the window of the target's model."""
        if task.instance is None or task.shown is None:
            return task
        prompts = self.prompts()
        prompts.forget_unknown_limits()
        return await prompts.build(
            task.instance,
            target,
            await self.options(),
            dataset=task.dataset,
            revision=task.revision,
            progress=progress,
        )

    async def fetch(self, instance: Instance, report: Report) -> None:
        """Fetch the repository of a task. Cancelling this stops; `report` is called from another thread."""
        await self.prompts().fetch(instance, report)
