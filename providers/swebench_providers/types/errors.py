"""`ProviderError`, the one error of the provider layer, and its kinds.

kind               retry?   meaning
auth               no       the key is missing, wrong, or has no permission
quota_exhausted    no       no credit left, a spend limit, a daily quota
rate_limited       yes      too many requests or tokens for now
overloaded         yes      the server has no capacity, or is still loading the model
timeout            yes      no answer within a time limit
transient          yes      a fault of the server or the network that may pass
incomplete         yes      the answer was cut off, or arrived damaged
context_overflow   no       the prompt does not fit into the model's context window
content_filter     no       blocked by a policy
invalid_request    no       a parameter or a combination the model does not accept
model_not_found    no       no such model for this key
bad_endpoint       no       the address responds, but is not this API
cancelled          no       the caller cancelled the request
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from swebench_providers.types.limits import ServerLimit
from swebench_providers.types.usage import Charge, TokenUsage


class ErrorKind(StrEnum):
    """The kind of a failure, which decides what to do next."""

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
        """Whether the same request may succeed later (wire-contracts 6.2)."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.TRANSIENT, ErrorKind.INCOMPLETE}
)


class ProviderError(Exception):
    """A request without a complete answer. `str(error)` says what happened, `hint` what to do about it.

    `reason` is a cause finer than `kind`, if the response has one (`out_of_credit`, `bad_parameter`, ...).
    `retry_after` is in seconds, None if the server named no time. `status` is None if there was no HTTP response or the
    error came inside a stream. `code` is the server's own error code. What had arrived is kept in `partial_text`,
    `partial_reasoning` and `usage`, the rate limits that the server reported in `limits`, the cost of the attempt in
    `charge`, once it is known, and the cost of a call of several attempts in `cost`.
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
    """An error for a stream that broke off or holds an invalid record."""
    return ProviderError(
        ErrorKind.INCOMPLETE,
        what,
        hint="What arrived is kept but is not a whole answer. Run it again.",
        reason=reason,
    )
