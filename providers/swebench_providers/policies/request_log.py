"""One structured log record per attempt, without text of prompt or answer and without a key.

Free text from the server is left out, its error messages too: they may quote the prompt, or the key. A failure is
recorded by its kind and HTTP status; the server's request id lets its operator find the rest.
"""

from __future__ import annotations

import logging
from typing import Final

from swebench_providers.policies.log_safe_identifier import log_safe_identifier
from swebench_providers.policies.observer import Outcome
from swebench_providers.types.events import Attempt
from swebench_providers.types.messages import UnifiedRequest

_LOG: Final = logging.getLogger("swebench_providers.requests")
_LOG.addHandler(logging.NullHandler())  # without handlers of the program nothing is written


class RequestLog:
    """Logs to `swebench_providers.requests`: an answer at INFO, a failure at WARNING.

    Every record has `provider`, `model`, `key` (its label), `latency_ms`, `ttft_ms`, `outcome`, `error_kind`, `status`,
    `retry`, `sent`, `prompt_tokens`, `completion_tokens` and `request_id`; an unknown value is None. `outcome` is a
    finish reason, `failed` or `cancelled`. `sent` is False for a request that was never sent: refused by a circuit
    breaker, stopped by a budget, or cancelled in a queue.
    """

    def began(self, attempt: Attempt, request: UnifiedRequest) -> None:
        """Nothing to log before the outcome is known."""

    def ended(self, outcome: Outcome) -> None:
        level = logging.WARNING if outcome.error else logging.INFO
        if not _LOG.isEnabledFor(level):
            return
        error, finished, usage = outcome.error, outcome.finished, outcome.usage
        fields = {
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
        _LOG.log(level, "%s:%s %s", outcome.provider, outcome.model, fields["outcome"], extra=fields)

    def unsent(self, outcome: Outcome) -> None:
        """Log a call that ended before its first attempt; its key is unknown."""
        self.ended(outcome)
