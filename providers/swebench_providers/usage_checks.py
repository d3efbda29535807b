"""Checks of what a server reports about its own answer: whether it was cut off, whether the prompt was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from swebench_providers.types.events import Event, Finished, Notice, UsageUpdate
from swebench_providers.types.messages import FinishReason, UnifiedRequest
from swebench_providers.types.usage import TokenUsage

_MIN_CHECKED_PROMPT: Final = 500
"""Tokens; below that an estimate is too inexact to contradict a count."""


class UsageChecker:
    """Checks the events of one answer. `cuts_prompts`: the server drops what does not fit, without reporting it."""

    def __init__(self, request: UnifiedRequest, *, cuts_prompts: bool) -> None:
        self._request = request
        self._cuts_prompts = cuts_prompts
        self._usage: TokenUsage | None = None

    def check(self, events: Sequence[Event]) -> list[Event]:
        """`events`, corrected where they cannot be right, with a notice about each correction."""
        checked: list[Event] = []
        for event in events:
            if isinstance(event, UsageUpdate):
                self._usage = event.usage
                checked.append(event)
                if self._cuts_prompts and event.usage.prompt_tokens:
                    checked += self._cut_prompt(event)
            elif isinstance(event, Finished) and self._stopped_at_limit(event):
                checked += self._cut_off(event)
            else:
                checked.append(event)
        return checked

    def _cut_off(self, event: Finished) -> list[Event]:
        notice = (
            f"The server reported the answer as complete, but it is as long as the limit of "
            f"{self._request.max_tokens} tokens: it was cut off."
        )
        return [Notice(notice, event.time), msgspec.structs.replace(event, reason=FinishReason.LENGTH)]

    def _stopped_at_limit(self, event: Finished) -> bool:
        limit, usage = self._request.max_tokens, self._usage
        return (
            event.reason is FinishReason.STOP
            and limit is not None
            and usage is not None
            and usage.source == "exact"
            and usage.completion_tokens == limit  # one that wrote more does not keep to it
        )

    def _cut_prompt(self, event: UsageUpdate) -> list[Event]:
        from swebench_providers.tokens.estimate import estimate_request, is_cut  # noqa: PLC0415 - few calls need it

        sent, read = estimate_request(self._request), event.usage.prompt_tokens
        if sent < _MIN_CHECKED_PROMPT or not is_cut(read, sent):
            return []
        notice = f"About {sent:,} tokens were sent and {read:,} read: the server may have cut the prompt to its window."
        return [Notice(notice, event.time)]
