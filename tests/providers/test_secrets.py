"""The key is sent in one header to the server it belongs to, and appears in no text, traceback or other request."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from swebench_providers import (
    BearerTokenAuth,
    ErrorKind,
    ProviderConfig,
    ProviderError,
    ProviderRegistry,
    Secret,
    TimeLimits,
    UnifiedRequest,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Ending, FaultServer, Script, failing, html_page, redirect
from tests.providers.dialects import KEY, REQUEST, error_of, generate, provider_for, raw_server

QUICK = TimeLimits(connect=0.05, idle=0.05)

# Requests


@pytest.mark.parametrize("dialect", ["compatible", "anthropic"])
async def test_the_key_is_sent_in_the_authorization_header_only(
    fault_server: FaultServer, transport: Transport, dialect: str
) -> None:
    provider = provider_for(fault_server.base_url, dialect, transport)
    await provider.generate_unified(REQUEST)
    await provider.list_models()
    for request in fault_server.requests:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        rest = {name: value for name, value in request.headers.items() if name != "authorization"}
        assert KEY not in f"{rest} {request.target} {request.body!r}"


async def test_a_key_style_of_the_catalog_names_the_header(fault_server: FaultServer, transport: Transport) -> None:
    spec = msgspec.structs.replace(provider_spec("compatible"), auth="x-api-key")
    config = ProviderConfig(name="own", api_key=Secret(KEY), base_url=f"{fault_server.base_url}/v1")
    await HTTPProvider(spec, config, transport).generate_unified(REQUEST)
    headers = fault_server.requests[0].headers
    assert (headers["x-api-key"], "authorization" in headers) == (KEY, False)


async def test_a_server_without_authentication_gets_no_key(fault_server: FaultServer, transport: Transport) -> None:
    await provider_for(fault_server.base_url, "ollama", transport).generate_unified(REQUEST)
    assert KEY not in str(fault_server.requests[0].headers)


@pytest.mark.parametrize(
    ("name", "variable", "address_variable", "path"),
    [
        ("openai", "OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
        ("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", ""),
        ("anthropic", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", ""),
        ("compatible", "COMPATIBLE_API_KEY", "COMPATIBLE_BASE_URL", "/v1"),
        ("llamacpp", "LLAMA_API_KEY", "LLAMACPP_BASE_URL", "/v1"),
    ],
)
async def test_an_environment_key_goes_to_the_environments_address_only(
    fault_server: FaultServer, name: str, variable: str, address_variable: str, path: str
) -> None:
    async with FaultServer() as other:
        registry = ProviderRegistry({variable: f" {KEY}\n", address_variable: fault_server.base_url + path})
        own, given_same, given_other = (
            registry.configure(name),
            registry.configure(name, base_url=fault_server.base_url),
            registry.configure(name, base_url=other.base_url),
        )
        for config in (own, given_same, given_other):
            await registry.get_provider(name, config).generate_unified(REQUEST)
        await registry.aclose()
        assert [request.headers["authorization"] for request in fault_server.requests] == [f"Bearer {KEY}"] * 2
        assert [request.headers.get("authorization") for request in other.requests] == [None]
        assert KEY not in repr(own)
        assert (own.key_source, given_other.key_source) == (f"environment: {variable}", None)


async def test_an_environment_key_is_not_sent_to_given_addresses(fault_server: FaultServer) -> None:
    registry = ProviderRegistry({"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "LLAMA_API_KEY": KEY})
    for name in ("openai", "anthropic", "llamacpp"):
        config = registry.configure(name, base_url=fault_server.base_url)
        await registry.get_provider(name, config).generate_unified(REQUEST)
    await registry.aclose()
    assert len(fault_server.requests) == 3
    assert all("authorization" not in request.headers for request in fault_server.requests)


async def test_without_a_key_a_vendors_address_gets_no_request() -> None:
    for name, variable in (("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_AUTH_TOKEN")):
        with pytest.raises(ProviderError) as caught:
            await ProviderRegistry({}).get_provider(name).generate_unified(REQUEST)
        assert caught.value.kind is ErrorKind.AUTH
        assert variable in caught.value.hint


# Errors and logs


def everything_shown(error: BaseException) -> str:
    """The error in every form a program prints one, with the local variables of each frame of its whole chain."""
    chain, formatted = [error], [""]
    while chain:
        link = chain.pop()
        full = traceback.TracebackException.from_exception(link, capture_locals=True)
        formatted += [*full.format(), str(link), repr(link), repr(vars(link))]
        chain += [each for each in (link.__cause__, link.__context__) if each]
    return "".join(formatted)


FAILING: dict[str, Script] = {
    "401": failing(401, f"Incorrect API key provided: {KEY}."),
    "404": failing(404),
    "429": failing(429, retry_after="1"),
    "500": failing(500, f"while asking with {KEY}"),
    "cut in the middle of the key": failing(400, "x" * 580 + KEY),
    "a page with it": replace(html_page(403), body=f"<html>{'x' * 180}{KEY}</html>".encode()),
    "a code with it": replace(failing(400), error_code=KEY),
    "html": html_page(),
    "redirect": redirect("http://127.0.0.1:1/"),
    "truncated": Script("a b", ending=Ending.TRUNCATED, after=1),
    "mid-chunk": Script("a b", ending=Ending.MID_CHUNK, after=1),
    "reset": Script("a b", ending=Ending.RESET, after=1),
    "garbage": Script("a b", ending=Ending.GARBAGE, after=1),
    "error": Script("a b", ending=Ending.ERROR, after=1, error_message=f"no such key: {KEY}", error_code=KEY),
    "stall": Script("a b", ending=Ending.STALL, after=1),
    "silent": Script(before_head=3600),
}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
@pytest.mark.parametrize("how", FAILING)
async def test_no_error_shows_the_key_even_with_local_variables(
    dialect: str, fault_server: FaultServer, transport: Transport, how: str, *, stream: bool
) -> None:
    fault_server.default = FAILING[how]
    provider = provider_for(fault_server.base_url, dialect, transport, time_limits=TimeLimits(idle=0.05))
    error = await error_of(provider, UnifiedRequest(model="m", prompt="Say it.", stream=stream))
    shown = everything_shown(error)
    assert "swebench_providers/provider.py" in shown  # it did look at our frames
    assert KEY not in shown
    assert KEY[:16] not in shown


async def test_no_error_of_the_connection_shows_the_key(transport: Transport, tmp_path: Path) -> None:
    missing = Transport(ca_bundle=str(tmp_path / "missing.pem"))
    proxied = Transport(proxy="http://127.0.0.1:1")
    async with raw_server(b"", then_wait=True) as silent, raw_server(b"") as closing:
        addresses = {
            "refused": ("http://127.0.0.1:1", transport),
            "closed": (closing, transport),
            "silent": (silent, transport),
            "not TLS": (closing.replace("http:", "https:"), transport),
            "no bundle": (closing.replace("http:", "https:"), missing),
            "no proxy": ("http://model.example", proxied),
            "no host": ("http://a..b", transport),
            "no URL": ("http://a\x00b", transport),
        }
        for what, (address, over) in addresses.items():
            error = await error_of(provider_for(address, "compatible", over, time_limits=QUICK))
            assert KEY not in everything_shown(error), what


async def test_the_transport_hides_client_errors_that_hold_the_key(transport: Transport) -> None:
    async def send() -> None:
        auth = BearerTokenAuth(Secret(KEY))
        async with transport.send("GET", "http://127.0.0.1:1", headers={}, auth=auth, body=None, limits=QUICK):
            pass

    with pytest.raises(ProviderError) as caught:
        await send()
    full = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(full.format())


@pytest.mark.parametrize("script", [Script(before_head=3600), Script(before_first_token=3600)], ids=["head", "token"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_neither_cancellation_nor_a_callers_timeout_shows_the_key(
    dialect: str, fault_server: FaultServer, transport: Transport, script: Script, *, stream: bool
) -> None:
    fault_server.default = script
    provider = provider_for(fault_server.base_url, dialect, transport)
    with pytest.raises(TimeoutError) as caught:
        await asyncio.wait_for(generate(provider, stream=stream), 0.03)
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert "swebench_providers/provider.py" in everything_shown(caught.value)
    assert KEY not in everything_shown(caught.value)


@pytest.mark.parametrize("key", ["sk-“quoted”", "sk-two\nlines", "sk-nul\x00", "ключ"])
async def test_a_key_no_header_can_carry_is_refused_unseen(
    fault_server: FaultServer, transport: Transport, key: str
) -> None:
    error = await error_of(provider_for(fault_server.base_url, "compatible", transport, api_key=Secret(key)))
    assert (error.kind, fault_server.requests) == (ErrorKind.AUTH, [])
    assert "Copy it again" in error.hint
    assert key not in everything_shown(error)


async def test_an_invalid_header_is_an_error_and_no_crash(fault_server: FaultServer, transport: Transport) -> None:
    for value in ("Zoë", "two\r\nx-injected: lines"):
        error = await error_of(provider_for(fault_server.base_url, "compatible", transport, headers={"x-title": value}))
        assert (error.kind, fault_server.requests) == (ErrorKind.BAD_ENDPOINT, [])
        assert KEY not in everything_shown(error)


async def test_providers_and_their_configuration_do_not_show_the_key(
    fault_server: FaultServer, transport: Transport
) -> None:
    provider = provider_for(fault_server.base_url, "compatible", transport)
    answer = await provider.generate_unified(REQUEST)
    assert KEY not in f"{provider} {vars(provider)} {answer} {ProviderConfig(name='x', api_key=Secret(KEY))}"


async def test_no_log_line_shows_the_key(
    provider: HTTPProvider, fault_server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fault_server.enqueue(failing(401, f"wrong: {KEY}"))
    await error_of(provider)
    await provider.generate_unified(REQUEST)
    assert "HTTP Request: POST" in caplog.text  # it did hear the client
    assert KEY not in caplog.text
