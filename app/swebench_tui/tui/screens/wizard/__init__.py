"""First-run setup in four steps: detect, choose providers, test connections, choose models.

Every step can be skipped, gone back to and finished later; what was entered is saved when the step is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from swebench_tui.runs.engine import Engine
from swebench_tui.runs.target import Target
from swebench_tui.settings.definitions import MAX_COLUMNS
from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.lineup import default_lineup
from swebench_tui.tui.screens.wizard.choose_models import ChooseModelsStep
from swebench_tui.tui.screens.wizard.choose_providers import ChooseProvidersStep
from swebench_tui.tui.screens.wizard.connection_tests import ConnectionTestStep
from swebench_tui.tui.screens.wizard.detection import DetectionStep
from swebench_tui.tui.screens.wizard.state import WizardState
from swebench_tui.tui.screens.wizard.step import StepResult, WizardStep

STEPS: Sequence[type[WizardStep]] = (DetectionStep, ChooseProvidersStep, ConnectionTestStep, ChooseModelsStep)


async def run_wizard(
    workspace: Workspace, engine: Engine, show: Callable[[WizardStep], Awaitable[StepResult]]
) -> tuple[list[Target], list[SetupError]]:
    """Show the steps; returns the line-up, empty when skipped, and what could not be saved.

    The user file is created before the first step and updated after each one: whoever quits in the middle loses nothing
    and is not shown the wizard again.
    """
    state, index = WizardState(workspace=workspace, engine=engine), 0
    problems = await asyncio.to_thread(save, state)
    try:
        while index < len(STEPS):
            result = await show(STEPS[index](state))
            if result is not StepResult.SKIP:
                index = max(0, index + (1 if result is StepResult.NEXT else -1))
            problems = await asyncio.to_thread(save, state, finished=index == len(STEPS))
            if result is StepResult.SKIP:
                return [], problems
    finally:
        state.close()
    return state.lineup, problems


def save(state: WizardState, *, finished: bool = False) -> list[SetupError]:
    """Write the choices to the user file, which is created if missing; returns what could not be written. Blocks."""
    workspace, problems = state.workspace, list[SetupError]()
    changes: list[tuple[tuple[str, ...], object]] = []
    for name, address in state.addresses.items():
        if name in state.chosen:
            changes.append((("providers", name, "base_url"), address))
    changes += [(("providers", name, "model"), model) for name, model in state.models.items() if name in state.chosen]
    if finished:
        # The default line-up is not written: it applies when none is set, and has temperatures a name cannot express.
        is_default = state.lineup == default_lineup()
        lineup = None if is_default else [str(target) for target in state.lineup[:MAX_COLUMNS]]
        changes.append((("compare", "lineup"), lineup))
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
