"""Task prompts: what a comparison sends, of a dataset's task or written by the user."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from swebench_providers import TokenUsage, UnifiedRequest
from swebench_tui.bench.context import Context
from swebench_tui.bench.prompts import prompt_hash
from swebench_tui.bench.repositories.snapshot import Snapshot

if TYPE_CHECKING:
    from swebench_providers import TokenCount
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.prompts import Template


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """The first call of the context mode `pick`, in which a model names files.

    `files` are those of the repository that it named, `unknown` other paths that it wrote; `problem` says why the
    search chose the files instead. `cost` is in USD, None where unknown, and not part of that of the answer.
    `reused`: it is the answer to an earlier call, and none was made.
    """

    target: str
    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: str = ""
    prompt_hash: str = ""
    answer: str = ""
    usage: TokenUsage | None = None
    cost: Decimal | None = None
    cost_estimated: bool = False
    free: bool = False
    reused: bool = False


class TaskPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Title, prompt, and the task it is made of.

    `context` labels the context from the repository that the prompt holds, for people; `shown` is that context
    itself, None for a prompt written or edited by the user. `tokens` are those of the whole prompt, for the model it
    was made for. `notes` are sentences about how it was made. `snapshot` is the repository at the task's base commit;
    None: it is not on this machine, and patches cannot be checked. `revision` is that of the dataset.
    """

    title: str
    prompt: str
    system: str | None = None
    context: str = "prompt only"
    instance: Instance | None = None
    snapshot: Snapshot | None = None
    shown: Context | None = None
    tokens: TokenCount | None = None
    notes: tuple[str, ...] = ()
    template: Template | None = None
    dataset: str = ""
    revision: str = ""
    pick: Pick | None = None

    def request(self, *, max_tokens: int | None, stream: bool = True, grammar: str | None = None) -> UnifiedRequest:
        return UnifiedRequest(
            prompt=self.prompt,
            system_message=self.system,
            max_tokens=max_tokens,
            stream=stream,
            cache_prompt=True,
            grammar=grammar,
        )

    @property
    def expects_patch(self) -> bool:
        return self.instance is not None

    @property
    def hash(self) -> str:
        """The SHA-256 of exactly what is sent, see `prompt_hash`."""
        return prompt_hash(self.system, self.prompt)

    @property
    def mode(self) -> str:
        """The context mode; empty for a prompt written or edited by the user."""
        return "" if self.shown is None else self.shown.mode.value


def custom_prompt(text: str) -> TaskPrompt:
    """A prompt written by the user, of no task."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "(empty prompt)")
    return TaskPrompt(title=first, prompt=text)


def edited_prompt(task: TaskPrompt, text: str) -> TaskPrompt:
    """The prompt of the same task, as the user has rewritten it: what it shows of the repository is not known."""
    return msgspec.structs.replace(
        task, prompt=text, context="edited prompt", shown=None, tokens=None, notes=(), template=None, pick=None
    )
