"""Makes the prompt of a task for a model: its context from the repository under a token budget, rendered and counted.

async with CommandAccess(workspace) as access:
    prompts = TaskPrompts(access)
    prompt = await prompts.build(instance, parse_target("openai:gpt-5.4"), PromptOptions())
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui import paths
from swebench_tui.bench.context import Context, ContextMode
from swebench_tui.bench.prompts import Prompt, PromptError, Template, render_prompt
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.sources import Repositories, snapshot_of
from swebench_tui.bench.task import Pick, TaskPrompt
from swebench_tui.services.file_budget import FileBudget, budget_notes, excess, file_budget
from swebench_tui.services.input_estimate import InputEstimate, input_estimate
from swebench_tui.services.pick import MAX_TOKENS, call_for_files, first_prompt, summary
from swebench_tui.services.pick_store import PickStore
from swebench_tui.services.target_models import TargetModel, TargetModels
from swebench_tui.services.task_contexts import Job, TaskContexts, in_thread

if TYPE_CHECKING:
    from swebench_providers import TokenCount
    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.progress import Report
    from swebench_tui.bench.repositories.snapshot import Snapshot
    from swebench_tui.runs.target import Target
    from swebench_tui.services.comparison import BaseURLs, SourceLookup
    from swebench_tui.services.provider_access import ProviderAccess

_MARGIN: Final = 1.1  # of what is left out where a prompt turns out not to fit: the next one then does

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


class TaskPrompts:
    """Makes prompts. Prompts for models with equal budgets and counters are the same.

    `sources` are needed for the context mode `pick` alone, which calls the model. `base_urls` replace configured
    addresses. `repositories` says where the files of tasks are, and search indexes are kept in `indexes`. With `picks`,
    the answer to a first call is kept, and not paid for again.
    """

    def __init__(
        self,
        access: ProviderAccess,
        *,
        sources: SourceLookup | None = None,
        base_urls: BaseURLs | None = None,
        repositories: Repositories | None = None,
        indexes: Path | None = None,
        picks: PickStore | None = None,
    ) -> None:
        self._access = access
        self._picks = picks
        self._sources = sources
        self._repositories = repositories or Repositories(folder=paths.repositories())
        self._models = TargetModels(access, base_urls)
        self._contexts = TaskContexts(indexes or paths.indexes())

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

        `dataset` and `revision` say where the instance is from. Cancelling this stops what it has begun, a call of
        `pick` too.

        Raises `PromptError` for a template, and for a context whose repository is not on this machine; `ContextError`
        and `GitError` for a repository that cannot be read; `RepositoryError` for a bundled one that cannot be checked
        out; `ProviderError` for an unknown provider.
        """
        options = options or PromptOptions()
        progress("Looking up the model" if target is None else f"{target}: looking up the model")
        model = await self._models.find(target)
        progress("Reading the repository")
        job, notes = await self._job(instance, model, options)
        budget = await in_thread(lambda _: _budget(job, model, options))
        pick = None
        if job.mode is ContextMode.PICK:
            job, pick = await self._pick(job, target, budget, progress)
        progress("Choosing files")
        context, prompt, tokens = await self._fitted(job, budget, model, options)
        notes = (*notes, *budget_notes(context, budget, tokens, model.limits, max_tokens=options.max_tokens))
        return TaskPrompt(
            title=_title(instance),
            prompt=prompt.user,
            system=prompt.system,
            context=context_label(context),
            instance=instance,
            snapshot=job.snapshot,
            shown=context,
            tokens=tokens,
            notes=(*notes, *([summary(pick)] if pick else ()), *([context.note] if context.note else ())),
            template=job.template,
            dataset=dataset,
            revision=revision,
            pick=pick,
        )

    async def build_all(
        self,
        instance: Instance,
        targets: Sequence[Target],
        options: PromptOptions | None = None,
        *,
        dataset: str = "",
        revision: str = "",
        progress: Progress = lambda _: None,
    ) -> list[TaskPrompt]:
        """As `build`, for several targets at once. The first error ends them all."""
        builds = [
            asyncio.ensure_future(
                self.build(instance, target, options, dataset=dataset, revision=revision, progress=progress)
            )
            for target in targets
        ]
        try:
            return list(await asyncio.gather(*builds))
        finally:
            for build in builds:
                build.cancel()
            await asyncio.gather(*builds, return_exceptions=True)

    async def first_call(
        self, instance: Instance, target: Target | None, options: PromptOptions | None = None
    ) -> TaskPrompt:
        """The prompt of the first call of the mode `pick`, in which the model names files. Nothing is sent to it.

        Raises as `build` does.
        """
        options = msgspec.structs.replace(options or PromptOptions(), context=ContextMode.PICK)
        model = await self._models.find(target)
        job, _ = await self._job(instance, model, options)
        budget = await in_thread(lambda _: _budget(job, model, options))
        prompt = await self._first_prompt(job, budget)
        return TaskPrompt(
            title=_title(instance),
            prompt=prompt.user,
            system=prompt.system,
            context="pick: the call for files",
            notes=(f"the files that the model names, up to {budget.tokens:,} tokens, go into a second call",),
            tokens=await in_thread(lambda _: _count(job, prompt)),
        )

    async def estimate(self, prompt: TaskPrompt, target: Target, *, max_tokens: int | None = None) -> InputEstimate:
        """What sending `prompt` to `target` is expected to cost. Raises `ProviderError` for an unknown provider."""
        model = await self._models.find(target)
        return await input_estimate(self._access, model, prompt.tokens, max_tokens=max_tokens)

    def forget_unknown_limits(self) -> None:
        """Look up the limits of models again that could not be had: a key or a server may be there by now."""
        self._models.forget_unknown()

    async def fetch(self, instance: Instance, report: Report = lambda _: None) -> None:
        """Fetch the repository of a task, unless it is on this machine. Cancelling this stops.

        `report` is called from another thread. Raises `RepositoryError` and `GitError`.
        """
        located = await in_thread(
            lambda _: snapshot_of(instance, self._repositories, allow_network=True, report=report)
        )
        if located.snapshot is None:
            raise RepositoryError(located.reason, hint=located.hint)

    async def _job(self, instance: Instance, model: TargetModel, options: PromptOptions) -> tuple[Job, tuple[str, ...]]:
        located = await in_thread(lambda _: snapshot_of(instance, self._repositories))
        mode = options.context
        notes: tuple[str, ...] = ()
        if mode is None and located.snapshot is None:
            mode, notes = ContextMode.NONE, (f"{located.reason}. {located.hint}",)
        elif mode is None:
            mode = ContextMode.ALL if located.bundled else ContextMode.SEARCH
        elif mode is not ContextMode.NONE and located.snapshot is None:
            what = f"the context `{mode.value}` needs the repository, and {located.reason}"
            raise PromptError(what, hint=f"{located.hint}. Or take `none`: the issue alone.")
        return Job(instance, mode, located.snapshot, options.template, model.counter), notes

    async def _first_prompt(self, job: Job, budget: FileBudget) -> Prompt:
        search, _ = await self._contexts.make(job._replace(mode=ContextMode.SEARCH), budget.tokens)
        return await in_thread(
            lambda cancellation: first_prompt(
                job.instance,
                _present(job.snapshot),
                strong=search.match == "strong",
                count=job.counter,
                room=budget.room,
                index_folder=self._contexts.indexes,
                should_stop=lambda: cancellation.cancelled,
            )
        )

    async def _pick(self, job: Job, target: Target | None, budget: FileBudget, progress: Progress) -> tuple[Job, Pick]:
        """The job with the files that the model names in a first call; with a search where it names none."""
        if target is None or self._sources is None:
            raise PromptError("the context `pick` calls a model, and there is none to call", hint="Use `search`.")
        prompt = await self._first_prompt(job, budget)
        store = self._picks
        pick = None if store is None else await asyncio.to_thread(store.find, target, prompt.hash)
        if pick is not None:
            pick = msgspec.structs.replace(pick, reused=True)
        else:
            progress(f"{target}: naming files")
            source = await self._sources(target.provider, base_url=self._models.base_url(target.provider))
            # The embedded model has a limit of its own, since it tends to repeat itself up to any other.
            limit = None if self._access.registry.spec(target.provider).embedded else MAX_TOKENS
            answer = await self._access.run(call_for_files(target, source, prompt, max_tokens=limit))
            pick = await in_thread(lambda _: answer.pick(_present(job.snapshot)))
            if store is not None and answer.whole:
                await asyncio.to_thread(store.keep, target, pick)
        return job._replace(mode=ContextMode.PICK if pick.files else ContextMode.SEARCH, picked=pick.files), pick

    async def _fitted(
        self, job: Job, budget: FileBudget, model: TargetModel, options: PromptOptions
    ) -> tuple[Context, Prompt, TokenCount]:
        """Context, prompt and its tokens, which a local server counts; files are left out until it fits the window."""
        limit = budget.tokens
        while True:
            context, prompt = await self._contexts.make(job, limit)
            counted = await asyncio.to_thread(_count, job, prompt)
            tokens = await self._server_count(model, prompt) or counted
            over = excess(tokens, model.limits, max_tokens=options.max_tokens)
            if over <= 0 or not context.files:
                return context, prompt, tokens
            # `limit` is in tokens of the counter, which may be smaller than the server's.
            limit = max(0, min(limit, context.tokens) - max(1, round(over * counted.tokens / tokens.tokens * _MARGIN)))

    async def _server_count(self, model: TargetModel, prompt: Prompt) -> TokenCount | None:
        """The tokens of the whole chat as a local server counts them; None for any other provider."""
        if model.provider is None or not model.provider.spec.local:
            return None
        request = TaskPrompt(title="", prompt=prompt.user, system=prompt.system).request(max_tokens=None)
        counted = await self._access.run(
            model.provider.count_request(msgspec.structs.replace(request, model=model.name))
        )
        return counted if counted.source == "exact" else None


def context_label(context: Context) -> str:
    """What a prompt shows of the repository, for people: `oracle: 2 files`, `issue only`."""
    count = len(context.files)
    files = "1 file" if count == 1 else f"{count} files"
    if context.mode is ContextMode.NONE:
        return "issue only"
    if context.mode is ContextMode.ALL and all(left.reason == "a test" for left in context.left_out):
        return "all source files" if count else "issue only"
    match = ", weak match" if context.match == "weak" else ""
    return f"{context.mode.value}: {files}{match}"


def _budget(job: Job, model: TargetModel, options: PromptOptions) -> FileBudget:
    # The user's own template may not be made for a prompt without files: its text stands for what it adds.
    built_in = msgspec.structs.replace(job.template, text=None)
    bare = render_prompt(job.instance, Context(mode=ContextMode.NONE), built_in)
    fixed = _count(job, bare).tokens + job.counter(job.template.text or "")
    return file_budget(
        options.context_tokens, model.limits, fixed=fixed, exact=job.counter.exact, max_tokens=options.max_tokens
    )


def _count(job: Job, prompt: Prompt) -> TokenCount:
    return job.counter.count(prompt.system or "", prompt.user)


def _title(instance: Instance) -> str:
    return f"{instance.instance_id}  {instance.title}"


def _present(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None  # noqa: S101 - `_job` lets no other context than `none` pass without one
    return snapshot
