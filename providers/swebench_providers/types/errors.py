"""The one error of the layer, its kinds, and the sentences that tell the user what to do.

kind               repeat?  what it is
auth               no       the key is missing, wrong, or may not do this
quota_exhausted    no       no credit left, a spend limit, a daily quota
rate_limited       yes      too many requests or tokens for now
overloaded         yes      the server has no room, or is still loading the model
timeout            yes      no answer within a time limit
transient          yes      a fault of the server or the network that may pass
incomplete         yes      the answer was cut off, or arrived damaged
context_overflow   no       the prompt does not fit the model's window
content_filter     no       blocked by a policy
invalid_request    no       a parameter or a combination the model does not take
model_not_found    no       no such model for this key
bad_endpoint       no       the address answers, but is not this API
cancelled          no       the caller ended it
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.usage import Charge, TokenUsage


class ErrorKind(StrEnum):
    """What went wrong, in the terms that decide what to do next."""

    AUTH = "auth"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    TRANSIENT = "transient"
    INCOMPLETE = "incomplete"
    CONTEXT_OVERFLOW = "context_overflow"
    CONTENT_FILTER = "content_filter"
    INVALID_REQUEST = "invalid_request"
    MODEL_NOT_FOUND = "model_not_found"
    BAD_ENDPOINT = "bad_endpoint"
    CANCELLED = "cancelled"

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later (api-contracts 6.2)."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.TRANSIENT, ErrorKind.INCOMPLETE}
)


class ProviderError(Exception):
    """A call that gave no whole answer. What happened is `str(error)`, what to do about it is `hint`.

    `reason` names the cause more finely than `kind` where the wire tells it (`out_of_credit`, `bad_parameter`, ...).
    `retry_after` is in seconds, None when the server named no time. `status` is None when no HTTP answer came or the
    error came inside a stream. `code` is the server's own word. What had arrived before the end is kept in
    `partial_text`, `partial_reasoning` and `usage`; what the server said of its rate limits in `limits`;
    what the attempt cost in `charge`, once that has been reckoned, and what a call of several attempts cost in `cost`.
    """

    def __init__(
        self,
        kind: ErrorKind,
        what: str,
        *,
        hint: str,
        reason: str = "",
        retryable: bool | None = None,
        retry_after: float | None = None,
        status: int | None = None,
        code: str = "",
        parameter: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.kind = kind
        self.hint = hint
        self.reason = reason or kind.value
        self.retryable = kind.retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.status = status
        self.code = code
        self.parameter = parameter
        self.request_id = request_id
        self.provider = ""
        self.model = ""
        self.partial_text = ""
        self.partial_reasoning = ""
        self.usage: TokenUsage | None = None
        self.limits: tuple[ServerLimit, ...] = ()
        self.charge: Charge | None = None
        self.cost: Decimal | None = None

    def __repr__(self) -> str:
        return f"ProviderError({self.kind.value}, {str(self)!r})"


def incomplete(what: str, *, reason: str = "truncated_stream") -> ProviderError:
    """The stream broke off, or brought something that is no record of it."""
    return ProviderError(
        ErrorKind.INCOMPLETE,
        what,
        hint="What arrived is kept but is not a whole answer. Run it again.",
        reason=reason,
    )
