"""What a server says of its own answer and cannot be so."""

from __future__ import annotations

from collections.abc import Sequence
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

    def check(self, events: Sequence[Event]) -> list[Event]:
        """`events`, with a notice before or after each one that contradicts the request, and its reason corrected."""
        checked: list[Event] = []
        for event in events:
            if isinstance(event, UsageUpdate):
                self._usage = event.usage
                checked.append(event)
                if self._cuts_prompts and event.usage.prompt_tokens:
                    checked += self._cut_prompt(event)
            elif isinstance(event, Finished) and self._stopped_at_the_limit(event):
                checked += self._cut_off(event)
            else:
                checked.append(event)
        return checked

    def _cut_off(self, event: Finished) -> list[Event]:
        message = (
            "The server reported a complete response, but it is exactly as long as the limit of "
            f"{self._request.max_tokens} tokens: it was cut off."
        )
        return [Notice(message, event.at), msgspec.structs.replace(event, reason=FinishReason.LENGTH)]

    def _stopped_at_the_limit(self, event: Finished) -> bool:
        limit, usage = self._request.max_tokens, self._usage
        return (
            event.reason is FinishReason.STOP
            and limit is not None
            and usage is not None
            and usage.source == "exact"
            and usage.completion_tokens == limit
        )

    def _cut_prompt(self, event: UsageUpdate) -> list[Event]:
        from swebench_providers.tokens.estimate import estimate_tokens  # noqa: PLC0415 - few calls need it

        turns = [self._request.system_message or "", *(turn.content for turn in self._request.conversation())]
        sent, read = sum(estimate_tokens(text) for text in turns), event.usage.prompt_tokens
        if sent < _WORTH_A_DOUBT or read >= sent / 2:
            return []
        words = f"About {sent:,} tokens were sent and {read:,} read: the server may have cut the prompt to its window."
        return [Notice(words, event.at)]
