"""A connection test gives each failure of a provider its verdict."""

from __future__ import annotations

import pytest

from swebench_providers import ProviderConfig, ProviderRegistry, Secret, TimeLimits
from swebench_providers.connection_test import check
from tests.fault_server import Ending, FaultServer, Script, failing, html_page


def config(base_url: str, *, model: str = "m") -> ProviderConfig:
    return ProviderConfig(
        name="compatible",
        base_url=f"{base_url}/v1",
        model=model,
        api_key=Secret("k"),
        base_url_source="given",
        time_limits=TimeLimits(connect=1, idle=0.2),
    )


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        (Script("OK"), "fine"),
        (failing(401), "bad_key"),
        (failing(402), "no_credit"),
        (failing(429), "rate_limited"),
        (failing(529), "busy"),
        (html_page(200), "wrong_address"),
        (failing(404, "model m not found"), "model_missing"),
        (Script(status=404, body=b"not here"), "wrong_address"),
        (Script(status=400, body=b'{"error": {"message": "max_tokens is too small"}}'), "refused"),
        (failing(500), "failed"),
        (Script("OK", before_head=30), "no_answer"),
        (Script("never", ending=Ending.TRUNCATED, after=0), "failed"),
    ],
)
async def test_each_error_has_its_verdict(fault_server: FaultServer, script: Script, verdict: str) -> None:
    fault_server.default = script
    registry = ProviderRegistry({})
    report = await check(registry.get_provider("compatible", config(fault_server.base_url)))
    assert (report.verdict, report.ok) == (verdict, verdict == "fine")
    assert bool(report.hint) is bool(report.message) is not report.ok
    assert (report.ttft_ms is not None) is report.ok
    assert report.latency_ms > 0
    await registry.aclose()


async def test_an_unreachable_server_has_no_route() -> None:
    registry = ProviderRegistry({})
    report = await check(registry.get_provider("compatible", config("http://127.0.0.1:9")))
    assert (report.verdict, report.message) == ("no_route", "no connection to 127.0.0.1:9: connection refused")
    await registry.aclose()


async def test_the_test_stops_at_the_first_token(fault_server: FaultServer) -> None:
    fault_server.default = Script("word " * 50, ending=Ending.ENDLESS)
    registry = ProviderRegistry({})
    report = await check(registry.get_provider("compatible", config(fault_server.base_url)))
    assert report.ok
    await fault_server.requests[0].client_gone(within=5.0)
    assert fault_server.requests[0].json["max_tokens"] == 16
    await registry.aclose()


async def test_a_missing_key_is_an_error_before_any_request() -> None:
    report = await check(ProviderRegistry({}).get_provider("openai"))
    assert (report.verdict, report.hint) == ("bad_key", "Set OPENAI_API_KEY.")
