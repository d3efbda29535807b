"""Parameters that a server has refused: they are left out of the repeated request, and of all that follow."""

from __future__ import annotations

from typing import Final

import msgspec

from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.messages import UnifiedRequest

_OPTIONAL: Final = frozenset({"temperature", "top_p", "seed", "reasoning_effort", "stop_sequences"})
"""Parameters that change how an answer is made, not what is requested. `max_tokens` bounds the price, so it stays."""

_UNSET: Final = (None, ())


class RefusedParameters:
    """The parameters that each model of a provider refuses, learned from its errors."""

    def __init__(self) -> None:
        self._refused: dict[str, set[str]] = {}

    def without(self, request: UnifiedRequest) -> tuple[UnifiedRequest, list[str]]:
        """The request without the parameters that its model refuses, and a message for each one left out."""
        if request.model not in self._refused:
            return request, []
        left_out = sorted(name for name in self._refused[request.model] if getattr(request, name) not in _UNSET)
        if not left_out:
            return request, []
        request = msgspec.structs.replace(request, **{name: _unset(name) for name in left_out})
        return request, [_message(request.model, name) for name in left_out]

    def after(self, error: ProviderError, request: UnifiedRequest) -> tuple[UnifiedRequest, str] | None:
        """The request to send instead, and a message; None if `error` refuses no optional parameter."""
        name = error.parameter
        if name not in _OPTIONAL or error.kind is not ErrorKind.INVALID_REQUEST or getattr(request, name) in _UNSET:
            return None
        self._refused.setdefault(request.model, set()).add(name)
        return msgspec.structs.replace(request, **{name: _unset(name)}), _message(request.model, name)


def _unset(name: str) -> tuple[()] | None:
    return () if name == "stop_sequences" else None


def _message(model: str, name: str) -> str:
    return f"{model} does not support {name}: sent without it."
