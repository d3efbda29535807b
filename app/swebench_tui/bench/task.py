"""Task prompts: what a comparison sends, of a dataset's task or written by the user."""

from __future__ import annotations

from pathlib import Path

import msgspec

from swebench_providers import UnifiedRequest
from swebench_tui.bench import prompts
from swebench_tui.bench.context.all_files import source_files
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories import bundled
from swebench_tui.bench.repositories.snapshot import FolderSnapshot, Snapshot


class TaskPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Title, prompt, and the task it is made of.

    `context` names the context from the repository that the prompt holds. `snapshot` is the repository at the task's
    base commit; None: it is not on this machine, and patches cannot be checked.
    """

    title: str
    prompt: str
    system: str | None = None
    context: str = "prompt only"
    instance: Instance | None = None
    snapshot: Snapshot | None = None

    def request(self, *, max_tokens: int | None, stream: bool = True) -> UnifiedRequest:
        return UnifiedRequest(
            prompt=self.prompt,
            system_message=self.system,
            max_tokens=max_tokens,
            stream=stream,
            cache_prompt=True,
        )

    @property
    def expects_patch(self) -> bool:
        return self.instance is not None


def custom_prompt(text: str) -> TaskPrompt:
    """A prompt written by the user, of no task."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "(empty prompt)")
    return TaskPrompt(title=first, prompt=text)


def instance_prompt(instance: Instance, *, repositories: Path) -> TaskPrompt:
    """The prompt of a task, with its source files where its repository is bundled. Blocks.

    Checkouts are made below `repositories`. Raises `CheckoutError` when the bundled repository cannot be checked out.
    """
    folder = bundled.checkout(instance.repo, repositories) if _is_bundled(instance) else None
    files = source_files(folder) if folder else []
    return TaskPrompt(
        title=f"{instance.instance_id}  {instance.title}",
        prompt=prompts.user_prompt(instance.problem_statement, files),
        system=prompts.SYSTEM,
        context="all source files" if files else "issue only",
        instance=instance,
        snapshot=FolderSnapshot(folder) if folder else None,
    )


def _is_bundled(instance: Instance) -> bool:
    """By the commit too: another dataset's task may name a repository like a bundled one."""
    return bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit
