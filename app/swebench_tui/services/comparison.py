"""Assembles comparisons: several models, one task prompt each time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.column import Column
from swebench_tui.runs.generation import DISCARD, Piece, Recorder, Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.target import Target
from swebench_tui.services.guided import guided_request

if TYPE_CHECKING:
    from swebench_tui.bench.guided import Guide


class SourceLookup(Protocol):
    """How a comparison gets at providers."""

    def __call__(self, provider: str, *, base_url: str | None) -> Awaitable[Source]:
        """A provider behind the policies, reached at `base_url` where given. Raises `ProviderError`."""
        ...


class BaseURLs:
    """Base URLs given for a comparison, as `[PROVIDER=]URL`: without a name for every provider. The last one wins."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._by_name = [_name_and_url(value) for value in values]

    def unknown(self, targets: Sequence[Target]) -> Sequence[str]:
        """Names that are the provider of no target. A misspelled one would leave its target at the usual address."""
        providers = {target.provider for target in targets}
        return [name for name, _ in self._by_name if name and name not in providers]

    def url(self, provider: str) -> str | None:
        """The one for this provider; None: as configured."""
        return next((url for name, url in reversed(self._by_name) if name in {"", provider}), None)


def _name_and_url(value: str) -> tuple[str, str]:
    """`PROVIDER=URL` as its two parts, `URL` with no name; a URL's own `=` stays in it."""
    name, equals, url = value.partition("=")
    return (name, url) if equals and "://" not in name else ("", value)


class Comparison:
    """Makes the columns of a comparison. The patches of all of them are checked by one `checker`."""

    def __init__(
        self,
        lookup: SourceLookup,
        checker: PatchChecker,
        *,
        base_urls: BaseURLs | None = None,
        max_tokens: int | None = None,
        stream: bool = True,
        recorder: Recorder = DISCARD,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._checker = checker
        self._base_urls = base_urls or BaseURLs()
        self._max_tokens = max_tokens
        self._stream = stream
        self._recorder = recorder
        self._now = now

    async def source(self, target: Target) -> Source:
        """The target's provider. A key that cannot be read fails the target's columns only.

        Raises `ProviderError` for what is wrong with the target itself, as an unknown provider.
        """
        return await self._lookup(target.provider, base_url=self._base_urls.url(target.provider))

    def column(
        self,
        target: Target,
        prompt: TaskPrompt,
        source: Source,
        *,
        guide: Guide | None = None,
        observe: Callable[[Column, Piece | None], None] | None = None,
    ) -> Column:
        """A column that has not run. Its patch is checked where the prompt is a task's.

        `guide` is from `guided.guide_for`. A provider that takes no grammar says so in a notice.
        """
        request, followed = guided_request(prompt, source, guide, max_tokens=self._max_tokens, stream=self._stream)
        check = partial(self._checker.check, snapshot=prompt.snapshot) if prompt.expects_patch else None
        return Column(
            target,
            request,
            source,
            prompt=prompt,
            guide=followed,
            check_patch=check,
            recorder=self._recorder,
            observe=observe,
            now=self._now,
        )
