"""One log record per attempt, for machines: facts in `extra`, no text of prompt or answer, and no key.

What a server says in words is left out, its error messages too: they may quote the prompt, or the key. A failure is
told by its kind and HTTP status, and the server's number of the request is what its operator can look it up by.
"""

from __future__ import annotations

import logging
from typing import Final

from swebench_providers.policies.log_safe_identifier import log_safe_identifier
from swebench_providers.policies.observer import Outcome
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest

_LOG: Final = logging.getLogger("swebench_providers.requests")
_LOG.addHandler(logging.NullHandler())  # without the program's own handlers nothing is written anywhere


class RequestLog:
    """Writes to the logger `swebench_providers.requests`: INFO for an answer, WARNING for a failure.

    Every record carries `provider`, `model`, `key` (its label), `latency_ms`, `ttft_ms`, `outcome`, `error_kind`,
    `status`, `retry`, `sent`, `prompt_tokens`, `completion_tokens` and `request_id`; what is not known is None.
    `outcome` is a finish reason, `failed` or `cancelled`. `sent` is False for what never went out: refused by a circuit
    breaker, stopped by a budget, or cancelled in a line.
    """

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        """Nothing yet: the record is written when all is known."""

    def ended(self, outcome: Outcome) -> None:
        level = logging.WARNING if outcome.error else logging.INFO
        if not _LOG.isEnabledFor(level):
            return
        error, finished, usage = outcome.error, outcome.finished, outcome.usage
        facts = {
            "provider": outcome.provider,
            "model": outcome.model,
            "key": outcome.key,
            "latency_ms": round((outcome.ended - outcome.began) * 1000, 1),
            "ttft_ms": None if outcome.first_token is None else round(outcome.first_token * 1000, 1),
            "outcome": finished.reason.value if finished else "failed" if error else "cancelled",
            "error_kind": error.kind.value if error else None,
            "status": error.status if error else None,
            "retry": outcome.retry,
            "sent": outcome.sent,
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "completion_tokens": usage.completion_tokens if usage else None,
            "request_id": log_safe_identifier(finished.request_id if finished else error.request_id if error else None),
        }
        _LOG.log(level, "%s:%s %s", outcome.provider, outcome.model, facts["outcome"], extra=facts)

    def unsent(self, outcome: Outcome) -> None:
        """A call that never became an attempt; the key is not known then."""
        self.ended(outcome)
