"""What a comparison asks: a task of a dataset, or a prompt of the user's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from swebench_providers import UnifiedRequest
from swebench_tui.bench import prompts
from swebench_tui.bench.context.all_files import source_files
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories import bundled


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Title, prompt, and the task behind it.

    `context` says in words what of the repository the model sees. `checkout` is the repository at the task's base
    commit, None where it is not at hand: then whether a patch applies cannot be said.
    """

    title: str
    prompt: str
    system: str | None = None
    context: str = "the prompt alone"
    instance: Instance | None = None
    checkout: Path | None = None

    def request(self, *, max_tokens: int | None, stream: bool = True) -> UnifiedRequest:
        return UnifiedRequest(
            prompt=self.prompt,
            system_message=self.system,
            max_tokens=max_tokens,
            stream=stream,
            cache_prompt=True,
        )

    @property
    def wants_patch(self) -> bool:
        return self.instance is not None

    async def judge(self, answer: str, finish_reason: str | None) -> PatchVerdict:
        """What became of the patch in an answer."""
        return await asyncio.to_thread(judge, answer, checkout=self.checkout, finish_reason=finish_reason)


def free_question(text: str) -> Question:
    """A prompt of the user's own."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "(empty prompt)")
    return Question(title=first, prompt=text)


def task_question(instance: Instance, *, repositories: Path) -> Question:
    """A task, with the sources where its repository is bundled; checkouts are made below `repositories`. Blocks.

    Raises `CheckoutError` when the bundled repository cannot be laid out.
    """
    folder = bundled.checkout(instance.repo, repositories) if _is_bundled(instance) else None
    files = source_files(folder) if folder else []
    return Question(
        title=f"{instance.instance_id}  {instance.title}",
        prompt=prompts.user_prompt(instance.problem_statement, files),
        system=prompts.SYSTEM,
        context="all source files" if files else "the issue alone",
        instance=instance,
        checkout=folder,
    )


def _is_bundled(instance: Instance) -> bool:
    """By the commit too: somebody else's task may name a repository like one of ours."""
    return bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit
