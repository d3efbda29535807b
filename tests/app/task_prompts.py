"""Prompts of tasks, for tests of what is done with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.sources import Repositories
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.task_prompts import TaskPrompts
from swebench_tui.settings.workspace import Workspace


def task_prompt(instance: Instance, folder: Path) -> TaskPrompt:
    """The prompt for a model of which nothing is known; bundled repositories are checked out in `folder`."""
    workspace = Workspace({}, config_folder=folder / "config", data_folder=folder / "data")
    prompts = TaskPrompts(
        CommandAccess(workspace), repositories=Repositories(folder=folder), indexes=folder / "indexes"
    )
    return asyncio.run(prompts.build(instance, None))
