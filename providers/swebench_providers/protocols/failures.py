"""From what a server says went wrong to one of our kinds (api-contracts 6.1 and 6.2).

Error bodies differ in shape, so the words that carry meaning are collected from wherever they stand. They are then
looked up in one list of rules, the most telling first: a code, else a sentence, else the HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from swebench_providers.errors import ProviderError
from swebench_providers.protocols.failure_rules import NO_STATUS, RULES, UNKNOWN, Rule
from swebench_providers.retry_after import retry_after, wait

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON of a server's making can raise."""

_MESSAGE_LIMIT = 600
_HTML_LIMIT = 200
_STATUS = re.compile(r"[45][0-9]{2}")


class Failure(NamedTuple):
    """An error as the server put it: its sentence, its codes, and the status it claims."""

    message: str
    codes: frozenset[str]
    status: int | None
    request_id: str | None = None
    delay: str = ""
    named: str = ""
    """The server's own principal code, for display."""


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
    return ProviderError(
        rule.kind,
        failure.message or f"the server answered with HTTP {failure.status} and no explanation",
        hint=rule.hint,
        reason=rule.reason,
        retry_after=wait(failure.delay, now=datetime.now(UTC)) if failure.delay else None,
        code=failure.named,
        request_id=failure.request_id,
    )


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
    outer = _mapping(value)
    inner = _mapping(outer.get("error")) or outer
    message = _first_text(
        inner.get("message"), outer.get("error"), outer.get("message"), outer.get("detail"), outer.get("text")
    )
    details = inner.get("details")
    parts = [_mapping(part) for part in details] if isinstance(details, list) else []
    metadata = _mapping(inner.get("metadata"))
    named = [
        _mapping(details).get("error_code"),
        metadata.get("limit_source"),
        metadata.get("error_type"),
        inner.get("code"),
        inner.get("type"),
        inner.get("status"),
        _mapping(inner.get("innererror")).get("code"),
        outer.get("error_type"),
        outer.get("error_code"),
        *(part.get("reason") for part in parts),
    ]
    codes = [str(name) for name in named if isinstance(name, str | int) and not isinstance(name, bool)]
    if any("PerDay" in str(part.get("violations")) for part in parts):
        codes.append("quota_per_day")
    return Failure(
        message[:_MESSAGE_LIMIT],
        frozenset(codes),
        status or _http_status(codes),
        request_id=_first_text(outer.get("request_id")) or None,
        delay=_first_text(*(part.get("retryDelay") for part in parts)),
        named=next((code for code in codes if not code.isdigit()), next(iter(codes), "")),
    )


def _http_status(codes: Iterable[str]) -> int | None:
    """The status an error inside a 200 stream claims for itself."""
    return next((int(code) for code in codes if _STATUS.fullmatch(code)), None)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _first_text(*values: object) -> str:
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value and isinstance(value, list | dict):
            return msgspec.json.encode(value).decode()
    return ""
