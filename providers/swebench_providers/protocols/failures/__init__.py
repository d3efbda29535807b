"""Classifies the errors of servers (wire-contracts 6.1 and 6.2).

Error bodies differ in shape, so their codes and messages are collected from all known places first. They are then
matched against one list of rules, the most specific first: a code, else a message, else the HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from swebench_providers.http.retry_after import parse_delay, retry_after
from swebench_providers.protocols.failures.facts import describe_details, describe_excess, mapping
from swebench_providers.protocols.failures.parameters import refused_field
from swebench_providers.protocols.failures.rules import NO_STATUS, RULES, UNKNOWN, Rule
from swebench_providers.types.errors import ErrorKind, ProviderError

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON from a server can raise."""

_MESSAGE_LIMIT = 600
_HTML_LIMIT = 200
_STATUS = re.compile(r"[45][0-9]{2}")
_WORD = re.compile(r"\w{1,60}")
_BAD_PARAMETER = "bad_parameter"
_MESSAGES = ("error", "message", "detail", "text")


class Failure(NamedTuple):
    """An error as the server reports it: its message, its codes, and its status."""

    message: str
    codes: frozenset[str]
    status: int | None
    request_id: str | None = None
    delay: str = ""
    code: str = ""
    """The server's main code, for display."""
    parameter: str = ""
    """The server's name or path of the rejected field."""
    details: str = ""
    """What else in the body helps the user, in our own sentences."""


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error for a response with an error status. Names in `headers` are lower case."""
    failure = read_failure(body, status)
    error = to_error(failure)
    error.status = status
    error.request_id = headers.get("request-id") or headers.get("x-request-id") or failure.request_id
    if error.retry_after is None and error.retryable:
        error.retry_after = retry_after(headers, now=datetime.now(UTC))
    if headers.get("x-should-retry") in {"true", "false"}:
        error.retryable = headers["x-should-retry"] == "true"
    return error


def to_error(failure: Failure) -> ProviderError:
    """The error for a failure, in a response or in the middle of a stream."""
    rule = next((rule for rule in RULES if _applies(rule, failure)), UNKNOWN)
    parameter = rule.parameter
    if rule.reason == _BAD_PARAMETER and not parameter:
        parameter = refused_field(failure.parameter, failure.message)
    return ProviderError(
        rule.kind,
        failure.message or f"the server returned HTTP {failure.status} without an explanation",
        hint=_hint(rule, failure, parameter),
        reason=rule.reason,
        retryable=rule.retryable,
        parameter=parameter,
        retry_after=parse_delay(failure.delay, now=datetime.now(UTC)) if failure.delay else None,
        code=failure.code,
        request_id=failure.request_id,
    )


def _hint(rule: Rule, failure: Failure, parameter: str) -> str:
    hint = rule.hint
    if parameter and not rule.parameter:
        hint = f"The model rejects this value of {parameter}: leave it out, or choose another value."
    details = failure.details
    if rule.kind is ErrorKind.CONTEXT_OVERFLOW and not details:
        details = describe_excess(failure.message)
    return f"{hint} {details}" if details else hint


def _applies(rule: Rule, failure: Failure) -> bool:
    if rule.codes & failure.codes:
        return True
    if not rule.statuses or (failure.status or NO_STATUS) not in rule.statuses:
        return False
    return rule.text is None or rule.text.search(failure.message) is not None


def read_failure(body: bytes, status: int | None = None) -> Failure:
    """The failure in an error body of any shape. What is not JSON becomes the message, HTML only its beginning."""
    try:
        value: object = msgspec.json.decode(body)
    except UNREADABLE:
        text = body.decode("utf-8", "replace").strip()
        limit = _HTML_LIMIT if text.startswith("<") else _MESSAGE_LIMIT
        return Failure(text[:limit], frozenset(), status)
    return failure_from(value, status)


def failure_from(value: object, status: int | None = None) -> Failure:
    """The failure in a decoded error body. Its message is `error.message`, `error`, `message`, `detail` or `text`."""
    if isinstance(value, list) and value:  # Gemini wraps the error of a streamed request
        value = value[0]
    outer = mapping(value)
    inner = mapping(outer.get("error")) or outer
    message = _first_text(mapping(outer.get("error")).get("message"), *(outer.get(name) for name in _MESSAGES))
    parts = _objects(inner.get("details"))
    codes = list(_codes(outer, inner, parts))
    if any("PerDay" in str(part.get("violations")) for part in parts):
        codes.append("quota_per_day")
    upstream = _upstream(inner)
    if upstream.message:
        message = f"{message}: {upstream.message}"
    return Failure(
        message[:_MESSAGE_LIMIT],
        frozenset(codes) | upstream.codes,
        status or _http_status(codes),
        request_id=_first_text(outer.get("request_id")) or None,
        delay=_first_text(*(part.get("retryDelay") for part in parts)),
        code=next((code for code in codes if not code.isdigit()), next(iter(codes), "")),
        parameter=_parameter(outer, inner, parts) or upstream.parameter,
        details=describe_details(outer, inner),
    )


def _codes(
    outer: Mapping[str, object], inner: Mapping[str, object], parts: list[Mapping[str, object]]
) -> Iterator[str]:
    """All codes, the most specific first."""
    metadata = mapping(inner.get("metadata"))
    error = outer.get("error")
    candidates = [
        mapping(inner.get("details")).get("error_code"),
        *(part.get("reason") for part in parts),
        metadata.get("limit_source"),
        metadata.get("error_type"),
        metadata.get("reason"),
        inner.get("code"),
        inner.get("type"),
        inner.get("status"),
        mapping(inner.get("innererror")).get("code"),
        outer.get("error_type"),
        outer.get("error_code"),
        error if isinstance(error, str) and _WORD.fullmatch(error) else None,
    ]
    return (str(code) for code in candidates if isinstance(code, str | int) and not isinstance(code, bool))


def _upstream(inner: Mapping[str, object]) -> Failure:
    """The failure of the provider behind a router, which the router passes on as text."""
    raw = mapping(inner.get("metadata")).get("raw")
    return read_failure(raw.encode("utf-8", "replace")) if isinstance(raw, str) else Failure("", frozenset(), None)


def _parameter(outer: Mapping[str, object], inner: Mapping[str, object], parts: list[Mapping[str, object]]) -> str:
    """The field of an error: `param`, Google's `fieldViolations`, or FastAPI's `loc`."""
    violations = (violation.get("field") for part in parts for violation in _objects(part.get("fieldViolations")))
    locations = (detail.get("loc") for detail in _objects(outer.get("detail")))
    paths = (".".join(map(str, steps)) for steps in locations if isinstance(steps, list))
    return next((name for name in (inner.get("param"), *violations, *paths) if isinstance(name, str) and name), "")


def _http_status(codes: Iterable[str]) -> int | None:
    """The HTTP status among the codes of an error inside a 200 stream."""
    return next((int(code) for code in codes if _STATUS.fullmatch(code)), None)


def _objects(value: object) -> list[Mapping[str, object]]:
    """The items of an array as objects."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def _first_text(*values: object) -> str:
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value and isinstance(value, list | dict):
            return msgspec.json.encode(value).decode()
    return ""
