"""Every error that providers document: its kind, whether it is retryable, and its hint.

Each row is sent twice by a real server: as an HTTP response, and, if the provider has that form, inside a 200 stream.
"""

from __future__ import annotations

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderError, Secret, UnifiedRequest
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.protocols.failures.parameters import refused_field
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, Script
from tests.providers.dialects import KEY, error_of, provider_at
from tests.providers.protocols.failure_rows import ROWS, Kind, Row, openrouter

UNNAMED = UnifiedRequest(prompt="Say it.")
GEMINI = "/v1beta/models/m:streamGenerateContent"


def make_provider(fault_server: FaultServer, transport: Transport, name: str) -> HTTPProvider:
    path = "/v1beta" if name == "gemini" else provider_spec(name).default_path
    return provider_at(f"{fault_server.base_url}{path}", name, transport)


async def outcome(fault_server: FaultServer, transport: Transport, name: str, script: Script) -> ProviderError:
    """The error of a request to which the server responds with this."""
    fault_server.default = fault_server.by_path[GEMINI] = script
    return await error_of(make_provider(fault_server, transport, name))


def check_row(row: Row, error: ProviderError) -> None:
    assert (error.kind, error.retryable) == (row.kind, row.retryable)
    assert error.parameter == row.parameter
    assert row.reason in {"", error.reason}
    assert [phrase for phrase in row.hint if phrase not in error.hint] == [], error.hint
    assert error.hint.isprintable()
    assert "[bold]" not in error.hint


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_failure_is_told_as_what_it_is(fault_server: FaultServer, transport: Transport, row: Row) -> None:
    script = Script(status=row.status, body=msgspec.json.encode(row.body), headers=row.headers)
    error = await outcome(fault_server, transport, row.provider, script)
    check_row(row, error)
    assert (error.status, error.retry_after) == (row.status, row.retry_after)
    assert len(fault_server.requests) == 1


@pytest.mark.parametrize("row", [row for row in ROWS if row.inside], ids=str)
async def test_it_is_the_same_failure_inside_a_stream(
    fault_server: FaultServer, transport: Transport, row: Row
) -> None:
    record = msgspec.json.encode(row.body)
    lines = row.provider == "ollama"
    script = Script(
        body=record + b"\n" if lines else b"event: error\ndata: " + record + b"\n\n",
        headers={"content-type": "application/x-ndjson" if lines else "text/event-stream"},
    )
    error = await outcome(fault_server, transport, row.provider, script)
    check_row(row, error)
    assert error.status is None


@pytest.mark.parametrize(
    ("code", "kind", "hint"),
    [
        ("server_error", Kind.TRANSIENT, "Try again"),
        ("rate_limit_exceeded", Kind.RATE_LIMITED, "Wait"),
        ("invalid_prompt", Kind.CONTENT_FILTER, "Rephrase"),
        ("bio_policy", Kind.CONTENT_FILTER, "Rephrase"),
        ("misalignment_policy_violation", Kind.CONTENT_FILTER, "Rephrase"),
        ("data_residency_mismatch", Kind.BAD_ENDPOINT, "URL of the region"),
    ],
)
async def test_both_failures_of_responses_are_classified_alike(
    fault_server: FaultServer, transport: Transport, code: str, kind: ErrorKind, hint: str
) -> None:
    provider = provider_at(f"{fault_server.base_url}/v1", "compatible", transport, protocol="openai_responses")
    events = (
        {"type": "error", "code": code, "message": "no", "param": None},
        {"type": "response.failed", "response": {"status": "failed", "error": {"code": code, "message": "no"}}},
    )
    for event in events:
        body = b"data: " + msgspec.json.encode(event) + b"\n\n"
        fault_server.by_path["/v1/responses"] = Script(body=body, headers={"content-type": "text/event-stream"})
        error = await error_of(provider)
        assert (error.kind, error.code) == (kind, code)
        assert hint in error.hint


async def test_a_hint_names_the_variable_that_the_key_came_from(
    fault_server: FaultServer, transport: Transport
) -> None:
    fault_server.default = Script(status=401)
    found = {"GEMINI_API_KEY": "environment: GEMINI_API_KEY", "GOOGLE_API_KEY or GEMINI_API_KEY": None}
    fault_server.by_path[GEMINI] = Script(status=401, body=b"{}")
    for named, source in found.items():
        provider = provider_at(f"{fault_server.base_url}/v1beta", "gemini", transport, key_source=source)
        assert f"Check {named}, and" in (await error_of(provider)).hint


async def test_server_text_enters_a_hint_only_in_the_expected_form(
    fault_server: FaultServer, transport: Transport
) -> None:
    addresses = (
        "https://x.example/\x1b[31m",
        "http://x.example/",
        "https://x.example/[link]",
        f"https://{'x' * 900}/",
        7,
    )
    for address in addresses:
        body = msgspec.json.encode({"error": "unauthorized", "signin_url": address})
        hint = (await outcome(fault_server, transport, "ollama", Script(status=401, body=body))).hint
        assert hint.endswith("Sign in: run `ollama signin`.")
    for moment in ("tomorrow", "9999-12-31T23:59:59-23:59", 7, None):
        body = msgspec.json.encode(openrouter(402, resets_at=moment))
        hint = (await outcome(fault_server, transport, "openrouter", Script(status=402, body=body))).hint
        assert "reset" not in hint


async def test_a_hint_hides_a_key_in_the_servers_url(fault_server: FaultServer, transport: Transport) -> None:
    body = msgspec.json.encode({"error": "unauthorized", "signin_url": f"https://ollama.com/{KEY}"})
    fault_server.default = Script(status=401, body=body)
    error = await error_of(provider_at(fault_server.base_url, "ollama-cloud", transport, api_key=Secret(KEY)))
    assert "ollama.com/" in error.hint
    assert KEY not in error.hint


async def test_commands_are_for_local_servers_and_quote_the_model(
    fault_server: FaultServer, transport: Transport
) -> None:
    body = msgspec.json.encode({"error": "model 'm' not found"})
    fault_server.default = Script(status=404, body=body)
    cloud = await error_of(provider_at(fault_server.base_url, "ollama-cloud", transport))
    own = await error_of(provider_at(fault_server.base_url, "ollama", transport, model="a; b"), UNNAMED)
    assert "pull" not in cloud.hint
    assert "`ollama pull 'a; b'`" in own.hint


@pytest.mark.parametrize(
    ("parameter", "message", "field_"),
    [
        ("max_output_tokens", "", "max_tokens"),
        ("reasoning.effort", "", "reasoning_effort"),
        ("generation_config.thinking_config.thinking_level", "", "reasoning_effort"),
        ("generationConfig.stopSequences[0]", "", "stop_sequences"),
        ("options.num_predict", "", "max_tokens"),
        ("messages[0].role", "the temperature of this text", ""),
        ("", "Argument not supported on this model: reasoningEffort", "reasoning_effort"),
        ("", "5.0 is greater than the maximum of 2 - 'temperature'", "temperature"),
        ("", "Reasoning is mandatory for this endpoint and cannot be disabled.", "reasoning_effort"),
        ("", "`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
        ("", "deepseek-reasoning cannot stop here", ""),
        ("", "seed: must be an integer", "seed"),
        ("", "the seed of the matter", ""),
        ("", "", ""),
    ],
)
def test_a_rejected_parameter_is_found_by_any_name(parameter: str, message: str, field_: str) -> None:
    assert refused_field(parameter, message) == field_
