"""The first call of the context mode `pick`: the model gets the issue and paths, and names the files it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swebench_providers import UnifiedRequest
from swebench_tui.bench.prompts.file_choice import RANKED_TOKENS, TREE_TOKENS, Choice, choice_prompt, read_choice
from swebench_tui.bench.task import Pick
from swebench_tui.runs.formatting import dollars
from swebench_tui.runs.generation import Generation
from swebench_tui.runs.generation_state import GenerationState, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from swebench_providers import BlockingCounter
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.prompts import Prompt
    from swebench_tui.bench.repositories.snapshot import Snapshot
    from swebench_tui.runs.generation import Source
    from swebench_tui.runs.target import Target

MAX_TOKENS: Final = 4_096
"""Of the answer, with its reasoning; a list of files is short."""


def first_prompt(
    instance: Instance,
    snapshot: Snapshot,
    *,
    strong: bool,
    count: BlockingCounter,
    room: int | None,
    index_folder: Path,
    should_stop: Callable[[], bool],
) -> Prompt:
    """The prompt of the first call. Blocks.

    Its paths are the ranked ones, or all by folder where the search is not sure and they fit. `room` is what the
    model's window has for them.
    """
    from swebench_tui.bench.context.build import grouped_paths, ranked_paths  # noqa: PLC0415 - SQLite, for few modes

    with snapshot.open() as tree:
        listing = "" if strong else grouped_paths(tree)
        if not listing or count(listing) > min(TREE_TOKENS, TREE_TOKENS if room is None else room):
            budget = RANKED_TOKENS if room is None else min(RANKED_TOKENS, room)
            listing = "\n".join(
                ranked_paths(
                    instance, tree, count=count, index_folder=index_folder, budget=budget, should_stop=should_stop
                )
            )
    return choice_prompt(instance.problem_statement, listing)


class FirstAnswer(msgspec.Struct, frozen=True):
    """How the first call ended."""

    target: Target
    prompt: Prompt
    state: GenerationState
    text: str

    @property
    def whole(self) -> bool:
        """Whether the model answered; what failed may succeed another time."""
        return self.state.status is Status.DONE

    def pick(self, snapshot: Snapshot) -> Pick:
        """The files that the answer names, checked against the repository. Blocks."""
        state = self.state
        choice, problem = Choice(), ""
        if self.whole:
            with snapshot.open() as tree:
                choice = read_choice(self.text, tree.files())
            if not choice.files:
                problem = f"{self.target} named no file of the repository"
        else:
            problem = f"the call for files failed: {state.error}" if state.error else "the call for files was stopped"
        return Pick(
            target=str(self.target),
            files=choice.files,
            unknown=choice.unknown,
            problem=problem,
            prompt_hash=self.prompt.hash,
            answer=self.text,
            usage=state.usage,
            cost=state.cost,
            cost_estimated=state.cost_estimated,
            free=state.free,
        )


async def call_for_files(
    target: Target, source: Source, prompt: Prompt, *, max_tokens: int | None = MAX_TOKENS
) -> FirstAnswer:
    """Ask the target which files it wants. Cancelling this cancels the call; any other failure is in the answer."""
    request = UnifiedRequest(prompt=prompt.user, system_message=prompt.system, max_tokens=max_tokens)
    generation = Generation(target, request, source)
    await generation.run()
    return FirstAnswer(target, prompt, generation.state, generation.text)


def summary(pick: Pick) -> str:
    """The call for files in a sentence: `pick: 2 files, $0.0003`."""
    count = "1 file" if len(pick.files) == 1 else f"{len(pick.files)} files"
    what = f"{pick.problem}; the search chose the files" if pick.problem else count
    if pick.unknown and not pick.problem:
        what += f" ({len(pick.unknown)} more that the repository does not have)"
    return f"pick: {what}, {_cost(pick)}{' (an earlier call)' if pick.reused else ''}"


def _cost(pick: Pick) -> str:
    if pick.free:
        return "free"
    if pick.cost is None:
        return "price unknown"
    return f"{'~' if pick.cost_estimated else ''}{dollars(pick.cost)}"
