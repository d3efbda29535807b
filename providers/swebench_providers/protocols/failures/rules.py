"""The rules that classify codes, messages and statuses of servers (wire-contracts 6.2). The first match counts.

Codes come first within a rule: they are made for programs. A message counts only where the contract says that nothing
else distinguishes the kinds, and a status alone only at the end of the list.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from swebench_providers.types.errors import ErrorKind

NO_STATUS: Final = 0
"""The status of an error inside a stream that names none."""

KEY_NAME: Final = "the API key"
"""The key in a hint, which the provider replaces by its own name for it."""


class Rule(NamedTuple):
    """Matches one of `codes`, or one of `statuses` together with `text`, if there is one.

    `retryable` is None if the kind decides it. `parameter` is the rejected field whatever the message names.
    """

    reason: str
    kind: ErrorKind
    hint: str
    codes: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()
    retryable: bool | None = None
    parameter: str = ""


def _codes(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_CREDIT = "Add credit, renew the payment or raise the limit at the provider, or choose another provider."
_RATE_LIMITED_HINT = "Wait, or lower the number of concurrent requests."
_KEY = f"Check {KEY_NAME}, and that it belongs to this base URL."
_NO_ACCESS = f"Check {KEY_NAME}: it, or its organisation, has no access to this model or from this region."
_OVERLOADED = "The provider is overloaded. Try again in a moment, or choose another."
_BAD_GATEWAY = "The gateway of the provider got no response from its server. Try again, or choose another provider."
_CHANGE = "Change or remove the parameter named in the message."
_SHORTEN = (
    "Shorten the prompt, lower the output limit, or choose a model with a larger window;"
    " a local server can be given a larger context length (Ollama: num_ctx)."
)
_REFUSED = frozenset({NO_STATUS, 400, 404, 422})

_SIZE: Final = (
    Rule(
        "context_overflow",
        ErrorKind.CONTEXT_OVERFLOW,
        _SHORTEN,
        codes=_codes("context_length_exceeded exceed_context_size_error 40303"),
        text=_text(
            r"prompt is too long|maximum context length|context (?:size|window|length)|input token count"
            r"|exceeds the maximum number of tokens"
        ),
        statuses=frozenset({NO_STATUS, 400, 404, 413, 422, 500, 502}),  # 502: a gateway quotes the server behind it
    ),
    Rule(
        "request_too_large",
        ErrorKind.CONTEXT_OVERFLOW,
        "Shorten the prompt: the request is larger than the server accepts.",
        codes=_codes("request_too_large"),
        statuses=frozenset({413}),
    ),
)

_LIMITS: Final = (
    Rule(
        "rate_limited",
        ErrorKind.RATE_LIMITED,
        "Lower the number of concurrent requests, or add credit.",
        codes=_codes("openrouter_in_flight_budget in_flight_budget_exhausted"),
    ),
    Rule(
        "request_too_expensive",
        ErrorKind.QUOTA_EXHAUSTED,
        "Lower the output limit (max_tokens) or shorten the prompt: this request could cost more than is left.",
        codes=_codes("weight_exceeds_budget token_limit_exceeded"),
        text=_text(r"weight_exceeds_budget"),
        statuses=frozenset({NO_STATUS, 402}),
    ),
    Rule(
        "out_of_credit",
        ErrorKind.QUOTA_EXHAUSTED,
        _CREDIT,
        codes=_codes(
            "insufficient_quota billing_error enforced_spend_limit_reached contract_spend_limit_reached"
            " payment_required openrouter_credits openrouter_key_limit openrouter_workspace_budget"
            " openrouter_guardrail_budget"
        ),
        text=_text(r"credit balance is too low|monthly included credits|api usage limits|spend(?:ing)? limit"),
        statuses=frozenset({NO_STATUS, 400, 402, 403, 429}),
    ),
    Rule(
        "billing_needed",
        ErrorKind.QUOTA_EXHAUSTED,
        "Enable billing for the project, or use another region: the free tier is not available in this one.",
        codes=_codes("FAILED_PRECONDITION"),
    ),
    Rule(
        "quota_exhausted",
        ErrorKind.QUOTA_EXHAUSTED,
        "The daily quota is used up. Wait until tomorrow, or raise it at the provider.",
        codes=_codes("quota_per_day"),
    ),
    Rule(
        "rate_limited",
        ErrorKind.RATE_LIMITED,
        "The traffic grew too fast for the provider: wait, then raise the number of concurrent requests slowly.",
        codes=_codes("ramp_limit_exceeded"),
    ),
    Rule(
        "rate_limited",
        ErrorKind.RATE_LIMITED,
        _RATE_LIMITED_HINT,
        codes=_codes("rate_limit_exceeded rate_limit_error RateLimitReached RESOURCE_EXHAUSTED 42901 42902 42903"),
    ),
)

_POLICY: Final = (
    Rule(
        "content_filter",
        ErrorKind.CONTENT_FILTER,
        "Blocked by the provider's content policy. Rephrase the prompt, or choose another model.",
        codes=_codes(
            "content_filter ResponsibleAIPolicyViolation content_policy_violation"
            " invalid_prompt cyber_policy bio_policy misalignment_policy_violation"
        ),
        text=_text(r"\bflagged\b|\bmoderation\b|blocked by (?:a )?guardrail"),
        statuses=frozenset({403}),
    ),
)

_KEYS: Final = (
    Rule(
        "auth",
        ErrorKind.AUTH,
        f"Check {KEY_NAME}: Google rejects keys that begin with AIza, so create an auth key (AQ.…) in AI Studio;"
        " an access token of Google Cloud has to be renewed every hour.",
        codes=_codes("API_KEY_INVALID ACCESS_TOKEN_TYPE_UNSUPPORTED UNAUTHENTICATED PERMISSION_DENIED"),
    ),
    Rule(
        "auth",
        ErrorKind.AUTH,
        f"Check {KEY_NAME}: it has to belong to this resource, and an Entra identity needs the role"
        " Cognitive Services OpenAI User.",
        codes=_codes("PermissionDenied"),
        text=_text(r"invalid subscription key"),
        statuses=frozenset({NO_STATUS, 401, 403}),
    ),
    Rule(
        "auth",
        ErrorKind.AUTH,
        f"Check {KEY_NAME}, and that the token has the permission 'Make calls to Inference Providers'.",
        text=_text(r"invalid username or password|permissions? to call inference providers"),
        statuses=frozenset({NO_STATUS, 401, 403}),
    ),
    Rule(
        "auth",
        ErrorKind.AUTH,
        _NO_ACCESS,
        codes=_codes("permission_error unsupported_country_region_territory 40103"),
    ),
    Rule(
        "auth",
        ErrorKind.AUTH,
        f"{_KEY} A proxy has to pass the Authorization header on.",
        codes=_codes("authentication_error"),
    ),
    Rule(
        "bad_endpoint",
        ErrorKind.BAD_ENDPOINT,
        "Use the base URL of the region in which the data has to stay, such as eu.api.openai.com.",
        codes=_codes("data_residency_mismatch"),
    ),
    Rule("auth", ErrorKind.AUTH, _KEY, codes=_codes("invalid_api_key authentication unauthorized 40101 40102")),
)

_REQUESTS: Final = (
    Rule(
        "needs_responses_api",
        ErrorKind.INVALID_REQUEST,
        "This model supports the Responses API only. Choose that protocol for it.",
        text=_text(r"/v1/responses|function tools with reasoning_effort"),
        statuses=_REFUSED,
    ),
    Rule(
        "no_provider",
        ErrorKind.MODEL_NOT_FOUND,
        "None of your enabled providers has the model: append another (MODEL:PROVIDER), or enable one at"
        " huggingface.co/settings/inference-providers.",
        codes=_codes("model_not_supported"),
        text=_text(r"not supported by any provider"),
        statuses=_REFUSED,
    ),
    Rule(
        "no_provider",
        ErrorKind.MODEL_NOT_FOUND,
        "No upstream of this router accepts the request: relax its provider and privacy settings"
        " (openrouter.ai/settings/privacy), or choose another model.",
        text=_text(r"no endpoints (?:found|available)"),
        statuses=_REFUSED,
    ),
    Rule(
        "model_not_found",
        ErrorKind.MODEL_NOT_FOUND,
        "Set the name of the deployment, not of its model, and the endpoint of its resource.",
        codes=_codes("DeploymentNotFound"),
    ),
    Rule(
        "model_not_found",
        ErrorKind.MODEL_NOT_FOUND,
        "Load the model on the server, or let the server load models on demand.",
        text=_text(r"no models loaded"),
        statuses=_REFUSED,
    ),
    Rule(
        "model_not_found",
        ErrorKind.MODEL_NOT_FOUND,
        "Choose a model that the provider lists. A preview may need the API version v1beta.",
        text=_text(r"not found for api version"),
        statuses=_REFUSED,
    ),
    Rule(
        "model_not_found",
        ErrorKind.MODEL_NOT_FOUND,
        "Choose a model that the provider lists: this one may have been retired, or the key has no access to it.",
        codes=_codes("model_not_found not_found_error NotFoundError NOT_FOUND 40301"),
        text=_text(r"model .*(?:not found|does not exist)"),
        statuses=_REFUSED,
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        "Set another output limit (max_tokens): the model, or the provider behind it, does not accept this one.",
        codes=_codes("max_tokens_exceeded"),
        parameter="max_tokens",
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        "The server cannot read the grammar of the request: correct it, update the server, or ask without a grammar.",
        text=_text(r"failed to parse grammar"),
        statuses=_REFUSED,
        parameter="grammar",
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        "Choose a chat model: this one is for something else.",
        text=_text(r"does not support (?:chat|completion|generate)"),
        statuses=_REFUSED,
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        "End the conversation with a user message: this model does not continue a message of its own.",
        text=_text(r"prefill|must end with a user message"),
        statuses=_REFUSED,
    ),
)

_SERVER: Final = (
    Rule(
        "loading",
        ErrorKind.OVERLOADED,
        "The server is still loading the model. Try again in a moment.",
        text=_text(r"loading model"),
        statuses=frozenset({NO_STATUS, 503}),
    ),
    Rule(
        "out_of_memory",
        ErrorKind.INVALID_REQUEST,
        "Choose a smaller model or context length: the server has too little memory for this one.",
        codes=_codes("50002"),
        text=_text(r"requires more system memory|runner (?:process )?has (?:unexpectedly stopped|terminated)"),
        statuses=frozenset({NO_STATUS, 500}),
    ),
    Rule(
        "overloaded",
        ErrorKind.OVERLOADED,
        "The queue of the server is full: lower the number of concurrent requests, or raise its limits"
        " (OLLAMA_NUM_PARALLEL, OLLAMA_MAX_QUEUE).",
        text=_text(r"maximum pending requests"),
        statuses=frozenset({NO_STATUS, 503}),
    ),
    Rule(
        "worker_failed",
        ErrorKind.TRANSIENT,
        "The worker of the server failed. Check its log, and restart it.",
        codes=_codes("50001 50003"),
        retryable=False,
    ),
    Rule(
        "cancelled",
        ErrorKind.CANCELLED,
        "The request was cancelled. Run it again to get an answer.",
        statuses=frozenset({499}),
    ),
    Rule(
        "timeout",
        ErrorKind.TIMEOUT,
        "The model did not respond to the provider in time. Try again.",
        codes=_codes("timeout_error timeout DEADLINE_EXCEEDED"),
        statuses=frozenset({408, 504, 524}),
    ),
    Rule(
        "overloaded",
        ErrorKind.OVERLOADED,
        _OVERLOADED,
        codes=_codes(
            "overloaded_error overloaded UNAVAILABLE provider_unavailable provider_overloaded unavailable_error"
            " 50004 50005 50006"
        ),
        text=_text(r"\boverloaded\b"),
        statuses=frozenset({NO_STATUS}),
    ),
)

_STATUSES: Final = (
    Rule("overloaded", ErrorKind.OVERLOADED, _BAD_GATEWAY, statuses=frozenset({502})),
    Rule("overloaded", ErrorKind.OVERLOADED, _OVERLOADED, statuses=frozenset({503, 529})),
    Rule("rate_limited", ErrorKind.RATE_LIMITED, _RATE_LIMITED_HINT, statuses=frozenset({429})),
    Rule("out_of_credit", ErrorKind.QUOTA_EXHAUSTED, _CREDIT, statuses=frozenset({402})),
    Rule("auth", ErrorKind.AUTH, _KEY, statuses=frozenset({401})),
    Rule("auth", ErrorKind.AUTH, _NO_ACCESS, statuses=frozenset({403})),
    Rule(
        "bad_endpoint",
        ErrorKind.BAD_ENDPOINT,
        "Check the endpoint, and on Azure also the deployment name and the api-version: this path does not exist.",
        text=_text(r"^resource not found$"),
        statuses=frozenset({404}),
    ),
    Rule(
        "bad_endpoint",
        ErrorKind.BAD_ENDPOINT,
        "Check the base URL: the server has no such path. For most servers it ends in /v1.",
        statuses=frozenset({301, 302, 303, 307, 308, 404, 405}),
    ),
    Rule(
        "bad_parameter",
        ErrorKind.INVALID_REQUEST,
        _CHANGE,
        codes=_codes(
            "invalid_request_error BadRequestError INVALID_ARGUMENT unsupported_value unsupported_parameter"
            " not_supported_error validation 40001 40302"
        ),
        text=_text(r"does not support (?:thinking|tools)"),
        statuses=frozenset({NO_STATUS}),
    ),
    Rule("bad_parameter", ErrorKind.INVALID_REQUEST, _CHANGE, statuses=frozenset({400, 422, 501})),
)

RULES: Final = (*_SIZE, *_LIMITS, *_POLICY, *_KEYS, *_REQUESTS, *_SERVER, *_STATUSES)

UNKNOWN: Final = Rule(
    "transient", ErrorKind.TRANSIENT, "The provider failed. Try again; if it keeps failing, choose another."
)
