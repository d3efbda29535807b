"""From what a server says went wrong to one of our kinds (api-contracts 6.1 and 6.2).

Error bodies differ in shape, so the words that carry meaning are collected from wherever they stand. They are then
looked up in one list of rules, the most telling first: a code, else a sentence, else the HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from swebench_providers.http.retry_after import parse_delay, retry_after
from swebench_providers.protocols.failures.facts import excess, facts, mapping
from swebench_providers.protocols.failures.parameters import refused_field
from swebench_providers.protocols.failures.rules import NO_STATUS, RULES, UNKNOWN, Rule
from swebench_providers.types.errors import ErrorKind, ProviderError

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON of a server's making can raise."""

_MESSAGE_LIMIT = 600
_HTML_LIMIT = 200
_STATUS = re.compile(r"[45][0-9]{2}")
_WORD = re.compile(r"\w{1,60}")
_REFUSAL = "bad_parameter"
_SENTENCES = ("error", "message", "detail", "text")


class Failure(NamedTuple):
    """An error as the server put it: its sentence, its codes, and the status it claims."""

    message: str
    codes: frozenset[str]
    status: int | None
    request_id: str | None = None
    delay: str = ""
    named: str = ""
    """The server's own principal code, for display."""
    parameter: str = ""
    """The server's own name or path of the field it complains of."""
    facts: str = ""
    """What else the body says that the user can act on, in sentences of ours."""


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """An answer with an error status. Header names are lower case."""
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
    """The error for what a server said, in a response or in the middle of a stream."""
    rule = next((rule for rule in RULES if _applies(rule, failure)), UNKNOWN)
    parameter = rule.parameter
    if rule.reason == _REFUSAL and not parameter:
        parameter = refused_field(failure.parameter, failure.message)
    return ProviderError(
        rule.kind,
        failure.message or f"the server answered with HTTP {failure.status} and no explanation",
        hint=_hint(rule, failure, parameter),
        reason=rule.reason,
        retryable=rule.retryable,
        parameter=parameter,
        retry_after=parse_delay(failure.delay, now=datetime.now(UTC)) if failure.delay else None,
        code=failure.named,
        request_id=failure.request_id,
    )


def _hint(rule: Rule, failure: Failure, parameter: str) -> str:
    hint = rule.hint
    if parameter and not rule.parameter:
        hint = f"The model does not take {parameter} as it was set: leave it out, or choose another value."
    beside = failure.facts
    if rule.kind is ErrorKind.CONTEXT_OVERFLOW and not beside:
        beside = excess(failure.message)
    return f"{hint} {beside}" if beside else hint


def _applies(rule: Rule, failure: Failure) -> bool:
    if rule.codes & failure.codes:
        return True
    if not rule.statuses or (failure.status or NO_STATUS) not in rule.statuses:
        return False
    return rule.text is None or rule.text.search(failure.message) is not None


def read_failure(body: bytes, status: int | None = None) -> Failure:
    """An error body of any shape. What is no JSON is shown as text, the start of it where it is HTML."""
    try:
        value: object = msgspec.json.decode(body)
    except UNREADABLE:
        text = body.decode("utf-8", "replace").strip()
        limit = _HTML_LIMIT if text.startswith("<") else _MESSAGE_LIMIT
        return Failure(text[:limit], frozenset(), status)
    return failure_from(value, status)


def failure_from(value: object, status: int | None = None) -> Failure:
    """An error body of any shape, decoded: `error.message`, `error`, `message`, `detail` or `text`, in this order."""
    if isinstance(value, list) and value:  # Gemini wraps the error of a streamed request
        value = value[0]
    outer = mapping(value)
    inner = mapping(outer.get("error")) or outer
    said = mapping(outer.get("error")).get("message"), *(outer.get(name) for name in _SENTENCES)
    message = _first_text(*said)
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
        named=next((code for code in codes if not code.isdigit()), next(iter(codes), "")),
        parameter=_parameter(outer, inner, parts) or upstream.parameter,
        facts=facts(outer, inner),
    )


def _codes(
    outer: Mapping[str, object], inner: Mapping[str, object], parts: list[Mapping[str, object]]
) -> Iterator[str]:
    """Every word made for programs, the most telling first."""
    metadata = mapping(inner.get("metadata"))
    said = outer.get("error")
    named = [
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
        said if isinstance(said, str) and _WORD.fullmatch(said) else None,
    ]
    return (str(name) for name in named if isinstance(name, str | int) and not isinstance(name, bool))


def _upstream(inner: Mapping[str, object]) -> Failure:
    """What the provider behind a router said, which the router hands on as text."""
    raw = mapping(inner.get("metadata")).get("raw")
    return read_failure(raw.encode("utf-8", "replace")) if isinstance(raw, str) else Failure("", frozenset(), None)


def _parameter(outer: Mapping[str, object], inner: Mapping[str, object], parts: list[Mapping[str, object]]) -> str:
    """The field an error is about: `param`, Google's `fieldViolations`, or FastAPI's `loc`."""
    violated = (violation.get("field") for part in parts for violation in _objects(part.get("fieldViolations")))
    where = (detail.get("loc") for detail in _objects(outer.get("detail")))
    paths = (".".join(map(str, steps)) for steps in where if isinstance(steps, list))
    return next((name for name in (inner.get("param"), *violated, *paths) if isinstance(name, str) and name), "")


def _http_status(codes: Iterable[str]) -> int | None:
    """The status an error inside a 200 stream claims for itself."""
    return next((int(code) for code in codes if _STATUS.fullmatch(code)), None)


def _objects(value: object) -> list[Mapping[str, object]]:
    """The items of an array, each as an object."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def _first_text(*values: object) -> str:
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value and isinstance(value, list | dict):
            return msgspec.json.encode(value).decode()
    return ""
