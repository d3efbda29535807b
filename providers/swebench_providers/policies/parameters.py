"""Parameters that a server turned out to refuse: left out of the next request, and of all that follow."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.messages import UnifiedRequest

_DISPENSABLE: Final = frozenset({"temperature", "top_p", "seed", "reasoning_effort", "stop_sequences"})
"""What changes how an answer is made and not what is asked. `max_tokens` bounds the price, so it always stays."""


class RefusedParameters:
    """What each model of a provider refuses, as its errors have shown."""

    def __init__(self) -> None:
        self._refused: dict[str, set[str]] = {}

    def without(self, request: UnifiedRequest) -> tuple[UnifiedRequest, list[str]]:
        """The request without what its model is known to refuse, and a sentence for each field left out."""
        left_out = sorted(name for name in self._refused.get(request.model, ()) if getattr(request, name) not in _UNSET)
        if not left_out:
            return request, []
        request = msgspec.structs.replace(request, **{name: _empty(name) for name in left_out})
        return request, [_told(request.model, name) for name in left_out]

    def after(self, error: ProviderError, request: UnifiedRequest) -> tuple[UnifiedRequest, str] | None:
        """The request to send instead, and what to say; None where `error` is not about this."""
        name = error.parameter
        if name not in _DISPENSABLE or error.kind is not ErrorKind.INVALID_REQUEST or getattr(request, name) in _UNSET:
            return None
        self._refused.setdefault(request.model, set()).add(name)
        return msgspec.structs.replace(request, **{name: _empty(name)}), _told(request.model, name)


_UNSET: Final = (None, ())


def _empty(name: str) -> tuple[()] | None:
    return () if name == "stop_sequences" else None


def _told(model: str, name: str) -> str:
    return f"{model} does not take {name}: it was left out."
