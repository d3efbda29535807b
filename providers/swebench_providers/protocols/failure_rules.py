"""What servers' words, sentences and statuses mean (api-contracts 6.2). The first rule that applies holds.

Codes come first within a rule: they are made for programs. A sentence counts only where the contract says that nothing
else tells the kinds apart, and a status alone only at the end of the list.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from swebench_providers.errors import ErrorKind

NO_STATUS: Final = 0
"""Stands for an error inside a stream that claims no HTTP status."""


class Rule(NamedTuple):
    """If one of `codes` was given, or `text` is found while the status is one of `statuses` (empty: any), then this."""

    reason: str
    kind: ErrorKind
    hint: str
    codes: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_WINDOW = "Choose a larger model, shorten the prompt, or raise the context length the server was started with."
_CREDIT = "Add credit or raise the limit at the provider, or choose another provider."
_WAIT = "Wait, or lower the number of requests at a time."
_KEY = "Check the API key, and that it belongs to this address."

RULES: Final = (
    Rule(
        "context_overflow",
        ErrorKind.CONTEXT_OVERFLOW,
        _WINDOW,
        codes=_codes("context_length_exceeded exceed_context_size_error request_too_large max_tokens_exceeded 40303"),
        text=_text(
            r"prompt is too long|maximum context length|context (?:size|window|length)|input token count"
            r"|exceeds the maximum number of tokens"
        ),
        statuses=frozenset({NO_STATUS, 400, 404, 413, 422, 500}),
    ),
    Rule(
        "rate_limited",
        ErrorKind.RATE_LIMITED,
        "Lower the number of requests at a time, or add credit.",
        codes=_codes("openrouter_in_flight_budget"),
    ),
    Rule(
        "out_of_credit",
        ErrorKind.QUOTA_EXHAUSTED,
        _CREDIT,
        codes=_codes(
            "insufficient_quota billing_error enforced_spend_limit_reached contract_spend_limit_reached"
            " payment_required openrouter_credits openrouter_key_limit"
        ),
    ),
    Rule(
        "quota_exhausted",
        ErrorKind.QUOTA_EXHAUSTED,
        "The quota of the day is used up. Wait for the next day, or raise it at the provider.",
        codes=_codes("quota_per_day"),
    ),
    Rule(
        "rate_limited",
        ErrorKind.RATE_LIMITED,
        _WAIT,
        codes=_codes(
            "rate_limit_exceeded rate_limit_error ramp_limit_exceeded RateLimitReached RESOURCE_EXHAUSTED"
            " 42901 42902 42903"
        ),
    ),
    Rule(
        "content_filter",
        ErrorKind.CONTENT_FILTER,
        "The provider's policy blocked it. Rephrase the prompt or choose another model.",
        codes=_codes(
            "content_filter ResponsibleAIPolicyViolation content_policy_violation"
            " invalid_prompt cyber_policy bio_policy misalignment_policy_violation"
        ),
    ),
    Rule(
        "auth",
        ErrorKind.AUTH,
        _KEY,
        codes=_codes(
            "invalid_api_key authentication_error authentication API_KEY_INVALID ACCESS_TOKEN_TYPE_UNSUPPORTED"
            " UNAUTHENTICATED permission_error PERMISSION_DENIED PermissionDenied unauthorized"
        ),
    ),
    Rule(
        "needs_responses_api",
        ErrorKind.INVALID_REQUEST,
        "This model answers on the Responses API only. Choose that protocol for it.",
        text=_text(r"/v1/responses|function tools with reasoning_effort"),
        statuses=frozenset({400, 404}),
    ),
    Rule(
        "no_provider",
        ErrorKind.MODEL_NOT_FOUND,
        "No upstream of this router serves the model as asked: relax its privacy settings, or choose another.",
        codes=_codes("model_not_supported"),
        text=_text(r"no endpoints found|not supported by any provider"),
        statuses=frozenset({400, 404}),
    ),
    Rule(
        "model_not_found",
        ErrorKind.MODEL_NOT_FOUND,
        "Choose a model the provider lists; it may have been shut down, or the key has no access to it.",
        codes=_codes("model_not_found not_found_error NotFoundError DeploymentNotFound NOT_FOUND 40301"),
        text=_text(r"model .*(?:not found|does not exist)|no models loaded"),
        statuses=frozenset({400, 404}),
    ),
    Rule(
        "loading",
        ErrorKind.OVERLOADED,
        "The server is still loading the model. Try again in a moment.",
        text=_text(r"loading model"),
        statuses=frozenset({503}),
    ),
    Rule(
        "out_of_memory",
        ErrorKind.INVALID_REQUEST,
        "Choose a smaller model, or a smaller context length, than this machine has memory for.",
        text=_text(r"requires more system memory|runner (?:process )?has unexpectedly stopped"),
        statuses=frozenset({NO_STATUS, 500}),
    ),
    Rule("cancelled", ErrorKind.CANCELLED, "Run it again when you want the answer.", statuses=frozenset({499})),
    Rule(
        "timeout",
        ErrorKind.TIMEOUT,
        "The provider gave up waiting for the model. Try again.",
        codes=_codes("timeout_error timeout DEADLINE_EXCEEDED"),
        statuses=frozenset({408, 504, 524}),
    ),
    Rule(
        "overloaded",
        ErrorKind.OVERLOADED,
        "The provider has no room right now. Try again in a moment, or choose another.",
        codes=_codes(
            "overloaded_error overloaded UNAVAILABLE provider_unavailable provider_overloaded unavailable_error"
            " 50004 50005 50006"
        ),
        statuses=frozenset({502, 503, 529}),
    ),
    Rule("rate_limited", ErrorKind.RATE_LIMITED, _WAIT, statuses=frozenset({429})),
    Rule("out_of_credit", ErrorKind.QUOTA_EXHAUSTED, _CREDIT, statuses=frozenset({402})),
    Rule("auth", ErrorKind.AUTH, _KEY, statuses=frozenset({401, 403})),
    Rule(
        "bad_endpoint",
        ErrorKind.BAD_ENDPOINT,
        "Check the base URL: the server there does not know this path. For most servers it ends in /v1.",
        statuses=frozenset({301, 302, 303, 307, 308, 404, 405}),
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        "Change or remove the parameter the message names.",
        codes=_codes(
            "invalid_request_error BadRequestError INVALID_ARGUMENT FAILED_PRECONDITION unsupported_value 40001 40302"
        ),
        statuses=frozenset({400, 413, 422, 501}),
    ),
)

UNKNOWN: Final = Rule(
    "transient", ErrorKind.TRANSIENT, "A fault at the provider. Try again; if it stays, choose another."
)
