"""Makes the prompt of a task for a model: its context from the repository under a token budget, rendered and counted.

async with CommandAccess(workspace) as access:
    prompts = TaskPrompts(access)
    prompt = await prompts.build(instance, parse_target("openai:gpt-5.4"), PromptOptions())
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from swebench_tui import paths
from swebench_tui.bench.context import Context, ContextFile, ContextMode, Window
from swebench_tui.bench.git import Cancellation, cancellable
from swebench_tui.bench.prompts import Prompt, Template, render_prompt
from swebench_tui.bench.repositories import bundled
from swebench_tui.bench.repositories.snapshot import FolderSnapshot
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.services.windows import ModelLimits, model_limits

if TYPE_CHECKING:
    from swebench_providers import BlockingCounter, Provider
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.snapshot import Snapshot
    from swebench_tui.runs.target import Target
    from swebench_tui.services.provider_access import ProviderAccess

T = TypeVar("T")

DEFAULT_TOKENS: Final = 27_000
"""Tokens of repository files in a prompt, if nothing else is set."""

_ESTIMATE_SLACK: Final = 0.15
"""Share of the window that stays free where tokens are estimated: 99 % of the estimates are closer than that."""

_FRAMING: Final = 16  # tokens that a chat adds to its texts, at most

Progress = Callable[[str], None]
"""Takes a sentence about what is being done."""


class PromptOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How prompts are made. None is the default.

    `context` is `all` for bundled repositories, else `search` where the repository is on this machine, else `none`.
    `context_tokens` is the budget of the files, 27,000; a model's window may leave less. `max_tokens` is the limit of
    the answer, for which room is kept.
    """

    context: ContextMode | None = None
    context_tokens: int | None = None
    template: Template = Template()
    max_tokens: int | None = None


class _Room(NamedTuple):
    """The tokens that files may take, and how that came about."""

    budget: int
    notes: tuple[str, ...] = ()


class TaskPrompts:
    """Makes prompts. Prompts for models with equal budgets and counters are the same.

    `base_url` gives the address of a provider where that is not the configured one. Bundled repositories are checked
    out below `repositories`.
    """

    def __init__(
        self,
        access: ProviderAccess,
        *,
        base_url: Callable[[str], str | None] = lambda _: None,
        repositories: Path | None = None,
    ) -> None:
        self._access = access
        self._base_url = base_url
        self._repositories = repositories or paths.repositories()
        self._limits: dict[tuple[str, str], ModelLimits] = {}

    async def build(
        self,
        instance: Instance,
        target: Target | None,
        options: PromptOptions | None = None,
        *,
        dataset: str = "",
        revision: str = "",
        progress: Progress = lambda _: None,
    ) -> TaskPrompt:
        """The prompt of `instance` for `target`; None is a model of which nothing is known.

        `dataset` and `revision` say where the instance is from. Cancelling this stops its git processes.

        Raises `CheckoutError` for a bundled repository that cannot be checked out, `GitError` for a repository that
        cannot be read, `PromptError` for a template, and `ProviderError` for an unknown provider.
        """
        options = options or PromptOptions()
        progress("Reading the repository")
        snapshot = await _in_thread(lambda: self._snapshot(instance))
        mode = options.context or (ContextMode.ALL if snapshot else ContextMode.NONE)
        limits, counter = await self._model(target)
        room = await _in_thread(lambda: _room(instance, options, limits, counter))
        context, prompt = await _in_thread(
            lambda: _rendered(instance, mode, snapshot, budget=room.budget, counter=counter, template=options.template)
        )
        return TaskPrompt(
            title=f"{instance.instance_id}  {instance.title}",
            prompt=prompt.user,
            system=prompt.system,
            context=_label(context),
            instance=instance,
            snapshot=snapshot,
            shown=context,
            tokens=await _in_thread(lambda: counter.count(prompt.system or "", prompt.user)),
            notes=room.notes,
            template=options.template,
            dataset=dataset,
            revision=revision,
        )

    async def limits(self, target: Target) -> ModelLimits:
        """Window and output limit of the target's model. Raises `ProviderError` for an unknown provider."""
        key = (target.provider, target.model)
        if key not in self._limits:
            provider = await self._provider(target)
            model = target.model or await self._access.run(provider.default_model())
            self._limits[key] = await model_limits(self._access, provider, model)
        return self._limits[key]

    async def _provider(self, target: Target) -> Provider:
        return await self._access.resolve(target.provider, base_url=self._base_url(target.provider))

    async def _model(self, target: Target | None) -> tuple[ModelLimits, BlockingCounter]:
        from swebench_providers import blocking_counter  # noqa: PLC0415 - a native library that only counting needs

        if target is None:
            return ModelLimits(), await asyncio.to_thread(blocking_counter, "")
        limits = await self.limits(target)
        config = await asyncio.to_thread(self._access.describe_config, target.provider)
        model = target.model or config.model or self._access.registry.spec(target.provider).default_model
        return limits, await asyncio.to_thread(blocking_counter, config.base_models.get(model, model))

    def _snapshot(self, instance: Instance) -> Snapshot | None:
        if bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit:
            return FolderSnapshot(bundled.checkout(instance.repo, self._repositories))
        return None


def _room(instance: Instance, options: PromptOptions, limits: ModelLimits, counter: BlockingCounter) -> _Room:
    requested = DEFAULT_TOKENS if options.context_tokens is None else options.context_tokens
    if limits.window is None:
        return _Room(requested, (f"window unknown: {requested:,} tokens of files, as set",))
    bare = render_prompt(instance, Context(mode=ContextMode.NONE), options.template)
    fixed = counter.count(bare.system or "", bare.user).tokens + _FRAMING
    room = limits.window - limits.answer_tokens(options.max_tokens) - fixed
    if not counter.exact:
        room -= round(limits.window * _ESTIMATE_SLACK)
    return _Room(max(0, min(requested, room)))


def _rendered(
    instance: Instance,
    mode: ContextMode,
    snapshot: Snapshot | None,
    *,
    budget: int,
    counter: BlockingCounter,
    template: Template,
) -> tuple[Context, Prompt]:
    context = Context(mode=mode, budget=budget)
    if snapshot is not None and mode is ContextMode.ALL and isinstance(snapshot, FolderSnapshot):
        context = _all_files(snapshot.folder, budget, counter)
    return context, render_prompt(instance, context, template)


def _all_files(folder: Path, budget: int, counter: BlockingCounter) -> Context:
    from swebench_tui.bench.context.all_files import source_files  # noqa: PLC0415

    files: list[ContextFile] = []
    tokens = 0
    for path, text in source_files(folder):
        size = counter(text)
        if tokens + size <= budget:
            tokens += size
            files.append(ContextFile(path=path, lines=text.count("\n"), windows=(Window(1, text),)))
    return Context(mode=ContextMode.ALL, files=tuple(files), tokens=tokens, budget=budget)


def _label(context: Context) -> str:
    if not context.files:
        return "issue only"
    return "all source files" if context.mode is ContextMode.ALL else context.mode.value


async def _in_thread(function: Callable[[], T]) -> T:
    """Run a blocking function in a thread. Cancelling this ends the git process that it waits for."""
    cancellation = Cancellation()

    def run() -> T:
        with cancellable(cancellation):
            return function()

    try:
        return await asyncio.to_thread(run)
    finally:
        cancellation.cancel()
