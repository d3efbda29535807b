"""Setting up, in four steps: what is there, whom to ask, whether they answer, with which model.

Each step can be left with nothing done, gone back to, and finished later: what was entered by then is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.lineup import default_lineup
from swebench_tui.tui.screens.wizard.choose import ChooseStep
from swebench_tui.tui.screens.wizard.draft import MOST, Draft
from swebench_tui.tui.screens.wizard.found import FoundStep
from swebench_tui.tui.screens.wizard.models import ModelsStep
from swebench_tui.tui.screens.wizard.step import Leave, WizardStep
from swebench_tui.tui.screens.wizard.trial import TrialStep

STEPS: Sequence[type[WizardStep]] = (FoundStep, ChooseStep, TrialStep, ModelsStep)


async def walk(
    workspace: Workspace, engine: Engine, show: Callable[[WizardStep], Awaitable[Leave]]
) -> tuple[list[Target], list[SetupError]]:
    """Show one step after the other, and write what was chosen; the line-up, and what could not be written.

    What a step brought is written when it is left, and that the steps were shown before the first one: whoever quits in
    the middle has lost nothing and is not asked again. The line-up is empty where the user left it at that.
    """
    draft, at = Draft(workspace=workspace, engine=engine), 0
    problems = await asyncio.to_thread(write, draft)
    try:
        while at < len(STEPS):
            left = await show(STEPS[at](draft))
            at = at if left is Leave.LATER else max(0, at + (1 if left is Leave.ON else -1))
            problems = await asyncio.to_thread(write, draft, finished=at == len(STEPS))
            if left is Leave.LATER:
                return [], problems
    finally:
        draft.close()
    return draft.lineup, problems


def write(draft: Draft, *, finished: bool = False) -> list[SetupError]:
    """Keep what was chosen in the user file, which says too that the steps were shown; what could not be written."""
    workspace, problems = draft.workspace, list[SetupError]()
    changes: list[tuple[tuple[str, ...], object]] = []
    for name, address in draft.addresses.items():
        if name in draft.chosen:
            changes.append((("providers", name, "base_url"), address))
    changes += [(("providers", name, "model"), model) for name, model in draft.models.items() if name in draft.chosen]
    if finished:
        usual = draft.lineup == default_lineup()  # holds where none is set, and has what a name cannot say
        changes.append((("compare", "lineup"), None if usual else [str(target) for target in draft.lineup[:MOST]]))
    try:
        workspace.create_user_file()
    except SetupError as error:
        return [error]
    for path, value in changes:
        try:
            workspace.change(path, value)
        except SetupError as error:
            problems.append(error)
    return problems
