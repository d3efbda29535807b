"""A stand-in for a route that cannot be used."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from swebench_providers.types.errors import ProviderError
from swebench_providers.types.events import Event
from swebench_providers.types.messages import UnifiedRequest


class AlwaysFails:
    """Fails every request with the same error."""

    def __init__(self, error: ProviderError) -> None:
        self._error = error

    async def stream_unified(self, request: UnifiedRequest) -> AsyncGenerator[Event, None]:  # noqa: ARG002
        raise copy_error(self._error)
        yield  # type: ignore[unreachable]  # makes it a generator


def copy_error(error: ProviderError) -> ProviderError:
    """The same failure for another call: policies write to the errors that pass through them."""
    copied = ProviderError(
        error.kind,
        str(error),
        hint=error.hint,
        reason=error.reason,
        retryable=error.retryable,
        retry_after=error.retry_after,
        status=error.status,
        code=error.code,
        parameter=error.parameter,
        request_id=error.request_id,
    )
    copied.provider, copied.model = error.provider, error.model
    return copied
