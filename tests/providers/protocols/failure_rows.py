"""Every error that providers document (wire-contracts 6.2), as they send it, and its classification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from swebench_providers import ErrorKind

Kind = ErrorKind


@dataclass(frozen=True, kw_only=True)
class Row:
    """A provider's error response and its classification. `inside`: it also occurs in a 200 stream."""

    provider: str
    status: int
    body: Any
    kind: ErrorKind
    retryable: bool
    hint: tuple[str, ...] = ()
    reason: str = ""
    parameter: str = ""
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    inside: bool = True

    def __str__(self) -> str:
        return f"{self.provider} {self.status} {self.kind.value} {msgspec.json.encode(self.body).decode()[:60]}"


def openai(message: str = "no", code: str | int | None = None, kind: str = "invalid_request_error", **more: Any) -> Any:
    return {"error": {"message": message, "type": kind, "param": None, "code": code} | more}


def anthropic(kind: str, message: str = "no", **more: Any) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message} | more, "request_id": "req_1"}


def openrouter(code: int, message: str = "no", **metadata: Any) -> Any:
    return {"error": {"code": code, "message": message, "metadata": metadata}}


def google(code: int, status: str, message: str = "no", *details: dict[str, Any]) -> Any:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def reason(word: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": word}


def quota(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


def error_row(
    provider: str, status: int, body: Any, kind: ErrorKind, *hint: str, retry: bool = False, **more: Any
) -> Row:
    return Row(provider=provider, status=status, body=body, kind=kind, hint=hint, retryable=retry, **more)


FILTERED = {
    "code": "ResponsibleAIPolicyViolation",
    "content_filter_result": {
        "hate": {"filtered": False, "severity": "safe"},
        "jailbreak": {"filtered": True, "detected": True},
        "[bold]": {"filtered": True},
    },
}
DELAY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}

OPENAI = [
    error_row(
        "openai",
        400,
        openai("Unsupported value: 'temperature' does not support 0", "unsupported_value", param="temperature"),
        Kind.INVALID_REQUEST,
        "temperature",
        "leave it out",
        parameter="temperature",
        reason="bad_parameter",
    ),
    error_row(
        "openai",
        400,
        openai("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
        Kind.INVALID_REQUEST,
        parameter="max_tokens",
    ),
    error_row(
        "openai",
        400,
        openai("maximum context length is 128000 tokens, your messages have 135,232", "context_length_exceeded"),
        Kind.CONTEXT_OVERFLOW,
        "larger window",
        "7,232 tokens over the window of 128,000",
        reason="context_overflow",
    ),
    *(
        error_row("openai", 400, openai(code=code), Kind.CONTENT_FILTER, "Rephrase", "another model")
        for code in ("invalid_prompt", "cyber_policy", "content_policy_violation")
    ),
    error_row(
        "openai",
        400,
        openai("Function tools with reasoning_effort are not supported.", param="reasoning_effort"),
        Kind.INVALID_REQUEST,
        "Responses API only",
        reason="needs_responses_api",
    ),
    error_row(
        "openai",
        404,
        openai("This is not a chat model: use the /v1/responses endpoint."),
        Kind.INVALID_REQUEST,
        reason="needs_responses_api",
    ),
    error_row("openai", 401, openai(code="invalid_api_key"), Kind.AUTH, "Check OPENAI_API_KEY, and that it belongs to"),
    error_row(
        "openai", 403, openai(code="unsupported_country_region_territory"), Kind.AUTH, "OPENAI_API_KEY", "region"
    ),
    error_row("openai", 403, openai(kind="x"), Kind.AUTH, "no access to this model", inside=False),
    error_row("openai", 404, openai(code="model_not_found"), Kind.MODEL_NOT_FOUND, "may have been retired"),
    error_row("openai", 408, openai(kind="x"), Kind.TIMEOUT, retry=True, inside=False),
    error_row("openai", 409, openai(kind="x"), Kind.TRANSIENT, retry=True),
    error_row(
        "openai",
        429,
        openai(code="rate_limit_exceeded", kind="tokens"),
        Kind.RATE_LIMITED,
        "Wait",
        retry=True,
        retry_after=1.5,
        headers={"retry-after-ms": "1500"},
    ),
    error_row("openai", 429, openai(code="insufficient_quota"), Kind.QUOTA_EXHAUSTED, "Add credit"),
    error_row("openai", 500, openai(kind="server_error"), Kind.TRANSIENT, retry=True),
    error_row("openai", 502, openai(kind="server_error"), Kind.OVERLOADED, "gateway", retry=True, inside=False),
    error_row(
        "openai", 503, openai("The engine is currently overloaded.", kind="server_error"), Kind.OVERLOADED, retry=True
    ),
    error_row("openai", 504, openai(kind="server_error"), Kind.TIMEOUT, retry=True, inside=False),
]
AZURE = [
    error_row("azure", 404, openai(code="DeploymentNotFound"), Kind.MODEL_NOT_FOUND, "Set the name of the deployment"),
    error_row(
        "azure",
        404,
        {"error": {"code": "404", "message": "Resource not found"}},
        Kind.BAD_ENDPOINT,
        "deployment name",
        "api-version",
    ),
    error_row(
        "azure",
        400,
        openai("filtered", "content_filter", innererror=FILTERED),
        Kind.CONTENT_FILTER,
        "Rephrase",
        "Blocked by the content filter: jailbreak.",
    ),
    error_row(
        "azure",
        401,
        {"error": {"code": "PermissionDenied", "message": "no"}},
        Kind.AUTH,
        "AZURE_OPENAI_API_KEY",
        "belong to this resource",
        "Cognitive Services OpenAI User",
    ),
    error_row(
        "azure",
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}},
        Kind.AUTH,
        "AZURE_OPENAI_API_KEY",
        "belong to this resource",
    ),
    *(
        error_row(
            "azure",
            429,
            {"error": {"code": code, "message": "no"}},
            Kind.RATE_LIMITED,
            retry=True,
            retry_after=26,
            headers={"retry-after": "26"},
        )
        for code in ("RateLimitReached", "429")
    ),
]
ANTHROPIC = [
    *(
        error_row(
            "anthropic",
            400,
            anthropic("invalid_request_error", message),
            Kind.INVALID_REQUEST,
            parameter=parameter,
            reason="bad_parameter",
        )
        for message, parameter in (
            ("temperature: this parameter is not supported with anthropic-version 2026-10-21.", "temperature"),
            ("`temperature` and `top_p` cannot both be specified for this model.", "temperature"),
            ('"thinking.type.enabled" is not supported for this model.', "reasoning_effort"),
            ("output_config.effort: this model does not support 'max'", "reasoning_effort"),
            ("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens", "max_tokens"),
            ("stop_sequences: each stop sequence must contain non-whitespace", "stop_sequences"),
            ("system.0.cache_control.ttl: extra inputs are not permitted", "cache_prompt"),
            ("messages.0.role: unexpected role", ""),
        )
    ),
    error_row(
        "anthropic",
        400,
        anthropic("invalid_request_error", "This model does not support assistant message prefill."),
        Kind.INVALID_REQUEST,
        "a user message",
    ),
    error_row(
        "anthropic",
        400,
        anthropic("invalid_request_error", "prompt is too long: 1205351 tokens > 1000000 maximum"),
        Kind.CONTEXT_OVERFLOW,
        "205,351 tokens over",
    ),
    *(
        error_row("anthropic", 400, anthropic("invalid_request_error", text), Kind.QUOTA_EXHAUSTED, "Add credit")
        for text in ("Your credit balance is too low to access the API.", "You have reached your API usage limits.")
    ),
    error_row(
        "anthropic", 401, anthropic("authentication_error"), Kind.AUTH, "ANTHROPIC_API_KEY", "Authorization header"
    ),
    error_row("anthropic", 402, anthropic("billing_error"), Kind.QUOTA_EXHAUSTED, "Add credit", "renew the payment"),
    error_row("anthropic", 403, anthropic("permission_error"), Kind.AUTH, "ANTHROPIC_API_KEY", "no access"),
    error_row("anthropic", 404, anthropic("not_found_error"), Kind.MODEL_NOT_FOUND, "may have been retired"),
    error_row("anthropic", 413, anthropic("request_too_large"), Kind.CONTEXT_OVERFLOW, "Shorten the prompt"),
    error_row("anthropic", 413, {}, Kind.CONTEXT_OVERFLOW, "Shorten the prompt", inside=False),
    error_row(
        "anthropic",
        429,
        anthropic("rate_limit_error"),
        Kind.RATE_LIMITED,
        "Wait",
        retry=True,
        retry_after=17,
        headers={"retry-after": "17"},
    ),
    error_row(
        "anthropic",
        429,
        anthropic("rate_limit_error", details={"error_code": "ramp_limit_exceeded"}),
        Kind.RATE_LIMITED,
        "grew too fast",
        retry=True,
    ),
    *(
        error_row(
            "anthropic",
            429,
            anthropic("rate_limit_error", details={"error_code": code}),
            Kind.QUOTA_EXHAUSTED,
            "raise the limit",
        )
        for code in ("enforced_spend_limit_reached", "contract_spend_limit_reached")
    ),
    error_row("anthropic", 500, anthropic("api_error"), Kind.TRANSIENT, retry=True),
    error_row("anthropic", 504, anthropic("timeout_error"), Kind.TIMEOUT, retry=True),
    error_row("anthropic", 529, anthropic("overloaded_error"), Kind.OVERLOADED, retry=True),
    error_row("anthropic", 408, {}, Kind.TIMEOUT, retry=True, inside=False),
    error_row("anthropic", 499, {}, Kind.CANCELLED, inside=False),
]
OLLAMA = [
    error_row(
        "ollama",
        400,
        {"error": '"llama3.2" does not support thinking'},
        Kind.INVALID_REQUEST,
        "leave it out",
        parameter="reasoning_effort",
    ),
    error_row("ollama", 400, {"error": '"m" does not support tools'}, Kind.INVALID_REQUEST),
    error_row("ollama", 400, {"error": '"m" does not support chat'}, Kind.INVALID_REQUEST, "a chat model"),
    error_row(
        "ollama",
        400,
        {"error": "the prompt of 9000 tokens exceeds the context length of 4096"},
        Kind.CONTEXT_OVERFLOW,
        "num_ctx",
        "4,904 tokens over",
    ),
    error_row(
        "ollama",
        404,
        {"error": 'model "m" not found, try pulling it first'},
        Kind.MODEL_NOT_FOUND,
        "`ollama pull m`",
    ),
    error_row(
        "ollama",
        401,
        {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=x&key=y"},
        Kind.AUTH,
        "`ollama signin`",
        "https://ollama.com/connect?name=x&key=y",
    ),
    error_row("ollama", 429, {"error": "too many requests"}, Kind.RATE_LIMITED, "Wait", retry=True, inside=False),
    error_row("ollama", 502, {"error": "cloud"}, Kind.OVERLOADED, retry=True, inside=False),
    error_row("ollama", 499, {"error": "request canceled"}, Kind.CANCELLED, inside=False),
    *(
        error_row("ollama", 500, {"error": text}, Kind.INVALID_REQUEST, "a smaller model", reason="out_of_memory")
        for text in ("model requires more system memory (20 GiB)", "model runner has unexpectedly stopped")
    ),
    error_row(
        "ollama",
        503,
        {"error": "server busy, please try again. maximum pending requests exceeded"},
        Kind.OVERLOADED,
        "OLLAMA_MAX_QUEUE",
        "OLLAMA_NUM_PARALLEL",
        retry=True,
    ),
]
OPENROUTER = [
    error_row("openrouter", 400, openrouter(400, error_type="context_length_exceeded"), Kind.CONTEXT_OVERFLOW),
    error_row(
        "openrouter",
        400,
        openrouter(400, error_type="max_tokens_exceeded"),
        Kind.INVALID_REQUEST,
        "output limit",
        parameter="max_tokens",
    ),
    error_row("openrouter", 400, openrouter(400, error_type="invalid_prompt"), Kind.CONTENT_FILTER),
    error_row(
        "openrouter",
        400,
        openrouter(
            400,
            "Provider returned error",
            raw='{"error":{"message":"Unsupported value","param":"top_p","code":"unsupported_value"}}',
        ),
        Kind.INVALID_REQUEST,
        parameter="top_p",
    ),
    error_row("openrouter", 401, openrouter(401, error_type="authentication"), Kind.AUTH, "OPENROUTER_API_KEY"),
    *(
        error_row(
            "openrouter",
            402,
            openrouter(402, error_type="payment_required", limit_source=source),
            Kind.QUOTA_EXHAUSTED,
            "Add credit",
            "raise the limit",
        )
        for source in ("openrouter_credits", "openrouter_key_limit")
    ),
    error_row(
        "openrouter",
        402,
        openrouter(402, error_type="payment_required", limit_source="openrouter_in_flight_budget"),
        Kind.RATE_LIMITED,
        "Lower the number of concurrent requests",
        "add credit",
        retry=True,
        retry_after=3,
        headers={"retry-after": "3"},
    ),
    *(
        error_row(
            "openrouter", 402, body, Kind.QUOTA_EXHAUSTED, "Lower the output limit", reason="request_too_expensive"
        )
        for body in (
            openrouter(402, limit_source="openrouter_credits", error_type="weight_exceeds_budget"),
            openrouter(402, limit_source="openrouter_credits", reason="weight_exceeds_budget"),
            openrouter(402, "weight_exceeds_budget", limit_source="openrouter_credits", error_type="payment_required"),
        )
    ),
    error_row(
        "openrouter",
        403,
        openrouter(403, "Your input was flagged", reasons=["violence"]),
        Kind.CONTENT_FILTER,
        "Rephrase",
    ),
    *(
        error_row(
            "openrouter",
            403,
            openrouter(403, limit_source=source, resets_at="2026-12-01T02:00:00+02:00"),
            Kind.QUOTA_EXHAUSTED,
            "resets at 2026-12-01 00:00 UTC",
        )
        for source in ("openrouter_key_limit", "openrouter_workspace_budget", "openrouter_guardrail_budget")
    ),
    *(
        error_row(
            "openrouter", 404, openrouter(404, text), Kind.MODEL_NOT_FOUND, "privacy settings", reason="no_provider"
        )
        for text in (
            "No endpoints found that support tool use.",
            "No endpoints available matching your guardrail restrictions and data policy.",
        )
    ),
    error_row("openrouter", 408, openrouter(408, error_type="timeout"), Kind.TIMEOUT, retry=True),
    error_row(
        "openrouter",
        429,
        openrouter(429, error_type="rate_limit_exceeded"),
        Kind.RATE_LIMITED,
        retry=True,
        retry_after=30,
        headers={"retry-after": "30"},
    ),
    error_row("openrouter", 502, openrouter(502, error_type="provider_unavailable"), Kind.OVERLOADED, retry=True),
    error_row("openrouter", 503, openrouter(503, error_type="provider_overloaded"), Kind.OVERLOADED, retry=True),
    error_row("openrouter", 524, openrouter(524, error_type="server"), Kind.TIMEOUT, retry=True),
    error_row("openrouter", 529, openrouter(529, error_type="server"), Kind.OVERLOADED, retry=True),
]
GOOGLE = [
    error_row("gemini", 400, google(400, "INVALID_ARGUMENT"), Kind.INVALID_REQUEST),
    error_row(
        "gemini",
        400,
        google(400, "INVALID_ARGUMENT", "Thinking level is not supported for this model."),
        Kind.INVALID_REQUEST,
        parameter="reasoning_effort",
    ),
    error_row(
        "gemini",
        400,
        google(400, "INVALID_ARGUMENT", "no", {"fieldViolations": [{"field": "generation_config.top_p"}]}),
        Kind.INVALID_REQUEST,
        parameter="top_p",
    ),
    error_row(
        "gemini",
        400,
        google(400, "INVALID_ARGUMENT", "The input token count (1091639) exceeds the maximum number of tokens"),
        Kind.CONTEXT_OVERFLOW,
    ),
    error_row("gemini", 400, google(400, "FAILED_PRECONDITION"), Kind.QUOTA_EXHAUSTED, "Enable billing", "region"),
    *(
        error_row(
            "gemini",
            status,
            google(status, code, "no", *details),
            Kind.AUTH,
            "GOOGLE_API_KEY or GEMINI_API_KEY",
            "create an auth key (AQ.…) in AI Studio",
        )
        for status, code, details in (
            (400, "INVALID_ARGUMENT", [reason("API_KEY_INVALID")]),
            (401, "UNAUTHENTICATED", [reason("ACCESS_TOKEN_TYPE_UNSUPPORTED")]),
            (403, "PERMISSION_DENIED", []),
        )
    ),
    error_row(
        "gemini",
        404,
        google(404, "NOT_FOUND", "models/m is not found for API version v1, or is not supported for generateContent."),
        Kind.MODEL_NOT_FOUND,
        "v1beta",
    ),
    error_row(
        "gemini",
        429,
        google(429, "RESOURCE_EXHAUSTED", "no", quota("RequestsPerMinutePerProject"), DELAY),
        Kind.RATE_LIMITED,
        retry=True,
        retry_after=34.5,
    ),
    error_row(
        "gemini",
        429,
        google(429, "RESOURCE_EXHAUSTED", "no", quota("RequestsPerDayPerProject"), DELAY),
        Kind.QUOTA_EXHAUSTED,
        "until tomorrow",
        retry_after=34.5,
    ),
    error_row("gemini", 500, google(500, "INTERNAL"), Kind.TRANSIENT, retry=True),
    error_row("gemini", 503, google(503, "UNAVAILABLE"), Kind.OVERLOADED, retry=True),
    error_row("gemini", 504, google(504, "DEADLINE_EXCEEDED"), Kind.TIMEOUT, retry=True),
]
HUGGING_FACE = [
    *(
        error_row("huggingface", 400, body, Kind.MODEL_NOT_FOUND, "settings/inference-providers", reason="no_provider")
        for body in (
            openai(code="model_not_supported"),
            {"error": "The requested model is not supported by any provider you have enabled."},
        )
    ),
    *(
        error_row("huggingface", status, {"error": text}, Kind.AUTH, "HF_TOKEN", "'Make calls to Inference Providers'")
        for status, text in (
            (401, "Invalid username or password."),
            (403, "This authentication method does not have sufficient permissions to call Inference Providers"),
        )
    ),
    error_row(
        "huggingface",
        402,
        {"error": "You have exceeded your monthly included credits for Inference Providers."},
        Kind.QUOTA_EXHAUSTED,
        "Add credit",
    ),
    error_row("huggingface", 503, {"error": "busy", "error_type": "overloaded"}, Kind.OVERLOADED, retry=True),
    error_row("huggingface", 422, {"error": "bad", "error_type": "validation"}, Kind.INVALID_REQUEST),
]
LOCAL = [
    error_row(
        "vllm",
        400,
        openai("This model's maximum context length is 4096 tokens.", kind="BadRequestError", code=400),
        Kind.CONTEXT_OVERFLOW,
        "lower the output limit",
    ),
    error_row("vllm", 404, openai(kind="NotFoundError", code=404), Kind.MODEL_NOT_FOUND, "that the provider lists"),
    error_row(
        "vllm",
        422,
        {"detail": [{"loc": ["body", "temperature"], "msg": "Input should be a number", "type": "float_type"}]},
        Kind.INVALID_REQUEST,
        parameter="temperature",
        inside=False,
    ),
    error_row(
        "sglang",
        400,
        {"object": "error", "message": "no", "type": "BadRequestError", "param": "seed", "code": 400},
        Kind.INVALID_REQUEST,
        parameter="seed",
        inside=False,
    ),
    error_row(
        "llamacpp",
        400,
        openai("Failed to initialize samplers: failed to parse grammar", code=400),
        Kind.INVALID_REQUEST,
        "cannot read the grammar",
        parameter="grammar",
        reason="bad_parameter",
    ),
    error_row(
        "llamacpp",
        400,
        openai("too much", kind="exceed_context_size_error", code=400, n_prompt_tokens=40000, n_ctx=32768),
        Kind.CONTEXT_OVERFLOW,
        "7,232 tokens over the window of 32,768",
    ),
    error_row(
        "llamacpp",
        503,
        openai("Loading model", kind="unavailable_error", code=503),
        Kind.OVERLOADED,
        "still loading",
        retry=True,
        reason="loading",
    ),
    error_row("llamacpp", 501, openai(kind="not_supported_error", code=501), Kind.INVALID_REQUEST),
    error_row(
        "llamacpp",
        500,
        openai("Context size has been exceeded.", kind="server_error", code=500),
        Kind.CONTEXT_OVERFLOW,
    ),
    error_row("lmstudio", 404, openai("No models loaded."), Kind.MODEL_NOT_FOUND, "Load the model"),
    error_row(
        "lmstudio",
        400,
        {"error": "The model is loaded with context length of only 4096 tokens"},
        Kind.CONTEXT_OVERFLOW,
        "a larger context length",
    ),
    *(
        error_row(
            "fastchat",
            400,
            {"object": "error", "message": "no", "code": code},
            kind,
            retry=kind.retryable,
            inside=False,
        )
        for code, kind in (
            (40101, Kind.AUTH),
            (40301, Kind.MODEL_NOT_FOUND),
            (40302, Kind.INVALID_REQUEST),
            (40303, Kind.CONTEXT_OVERFLOW),
            (42901, Kind.RATE_LIMITED),
            (42902, Kind.RATE_LIMITED),
            (42903, Kind.RATE_LIMITED),
            (50002, Kind.INVALID_REQUEST),
            (50004, Kind.OVERLOADED),
            (50005, Kind.OVERLOADED),
            (50006, Kind.OVERLOADED),
        )
    ),
    *(
        error_row("fastchat", 400, {"object": "error", "message": "no", "code": code}, Kind.TRANSIENT, inside=False)
        for code in (50001, 50003)
    ),
]
ROWS = [*OPENAI, *AZURE, *ANTHROPIC, *OLLAMA, *OPENROUTER, *GOOGLE, *HUGGING_FACE, *LOCAL]
