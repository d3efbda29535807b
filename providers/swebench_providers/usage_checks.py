"""What a server says of its own answer and cannot be so."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.types.events import Event, Finished, Notice, UsageUpdate
from swebench_providers.types.messages import FinishReason, UnifiedRequest
from swebench_providers.types.usage import TokenUsage

_WORTH_A_DOUBT: Final = 500
"""Tokens; below that an estimate is too rough to doubt a count."""


class UsageChecker:
    """Goes through the events of one answer. `cuts_prompts`: the server drops what does not fit, and says nothing."""

    def __init__(self, request: UnifiedRequest, *, cuts_prompts: bool) -> None:
        self._request = request
        self._cuts_prompts = cuts_prompts
        self._usage: TokenUsage | None = None

    def check(self, event: Event) -> list[Event]:
        """The event as it should be taken, with a notice where that is not as the server said."""
        if isinstance(event, UsageUpdate):
            self._usage = event.usage
            if self._cuts_prompts and event.usage.prompt_tokens:
                return [event, *self._cut_prompt(event)]
        elif isinstance(event, Finished) and self._stopped_at_the_limit(event):
            limit = self._request.max_tokens
            words = (
                f"The server called the answer whole, but it is as long as the limit of {limit} tokens: it was cut off."
            )
            return [Notice(words, event.at), msgspec.structs.replace(event, reason=FinishReason.LENGTH)]
        return [event]

    def _stopped_at_the_limit(self, event: Finished) -> bool:
        limit, usage = self._request.max_tokens, self._usage
        return (
            event.reason is FinishReason.STOP
            and limit is not None
            and usage is not None
            and usage.source == "exact"
            and usage.completion_tokens >= limit
        )

    def _cut_prompt(self, event: UsageUpdate) -> list[Event]:
        from swebench_providers.tokens.estimate import estimate_tokens  # noqa: PLC0415 - few calls need it

        turns = [self._request.system_message or "", *(turn.content for turn in self._request.conversation())]
        sent, read = sum(estimate_tokens(text) for text in turns), event.usage.prompt_tokens
        if sent < _WORTH_A_DOUBT or read >= sent / 2:
            return []
        words = f"About {sent:,} tokens were sent and {read:,} read: the server may have cut the prompt to its window."
        return [Notice(words, event.at)]
