"""Google's application default credentials: one shared fetch on a thread, renewed in time, never shown."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, ProviderRegistry, Secret
from swebench_providers.auth import strategy
from swebench_providers.auth.google import Credentials, GoogleAuth, source
from swebench_providers.auth.strategies import ExpiringAuth
from swebench_providers.catalog import provider_spec
from swebench_providers.config import from_environment
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, FaultServerThread, Script, failing, json_body, redirect
from tests.google_account import TOKEN, granting
from tests.providers.network import Network, request_for
from tests.providers.wire import FIXTURES

REACH = {"GOOGLE_CLOUD_PROJECT": "my-proj", "GOOGLE_CLOUD_LOCATION": "eu"}
pytestmark = pytest.mark.usefixtures("account")

ANSWER = (FIXTURES / "gemini" / "stream.sse").read_bytes()


class Clock:
    """Seconds since the epoch, set by the test."""

    def __init__(self) -> None:
        self.seconds = datetime.now(UTC).timestamp()

    def now(self) -> float:
        return self.seconds


def rewrite(account: Path, **changes: str) -> None:
    fields = msgspec.json.decode(account.read_bytes(), type=dict[str, str])
    account.write_bytes(msgspec.json.encode(fields | changes))


def replace(account: Path, content: bytes | None) -> None:
    account.unlink()
    if content is not None:
        account.write_bytes(content)


async def header(auth: GoogleAuth) -> str:
    await auth.renew()
    return auth.prepare_headers({})["authorization"]


async def failure(auth: GoogleAuth) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await auth.renew()
    return caught.value


# Fetching tokens


async def test_a_service_account_is_exchanged_for_a_token(google: FaultServerThread) -> None:
    auth = GoogleAuth()
    base = {"accept": "text/plain"}
    assert auth.prepare_headers(base) == base  # nothing to show yet
    await auth.renew()
    assert auth.prepare_headers(base) == {"accept": "text/plain", "authorization": f"Bearer {TOKEN}"}
    assert (auth.token, isinstance(auth, ExpiringAuth)) == (Secret(TOKEN), True)
    [request] = google.server.requests
    assert (request.method, request.path) == ("POST", "/token")
    assert parse_qs(request.body.decode())["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


async def test_concurrent_requests_fetch_one_token_without_blocking_the_loop(google: FaultServerThread) -> None:
    google.server.by_path["/token"] = granting(TOKEN, after=0.2)
    auth = GoogleAuth()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.create_task(count_turns())
    headers = await asyncio.gather(*(header(auth) for _ in range(500)))
    counting.cancel()
    assert (set(headers), len(google.server.requests)) == ({f"Bearer {TOKEN}"}, 1)
    assert turns > 20


async def test_requests_of_several_event_loops_share_the_fetch_too(google: FaultServerThread) -> None:
    google.server.by_path["/token"] = granting(TOKEN, after=0.1)
    auth = GoogleAuth()
    elsewhere = [asyncio.to_thread(asyncio.run, header(auth)) for _ in range(3)]
    assert set(await asyncio.gather(header(auth), *elsewhere)) == {f"Bearer {TOKEN}"}
    assert len(google.server.requests) == 1


async def test_a_cancelled_request_does_not_cancel_the_fetch(google: FaultServerThread) -> None:
    google.server.by_path["/token"] = granting(TOKEN, after=0.1)
    auth = GoogleAuth()
    given_up, waiting = asyncio.create_task(header(auth)), asyncio.create_task(header(auth))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await waiting == f"Bearer {TOKEN}"
    assert (given_up.cancelled(), len(google.server.requests)) == (True, 1)


async def test_a_token_is_renewed_shortly_before_it_expires(google: FaultServerThread) -> None:
    clock = Clock()
    auth = GoogleAuth(now=clock.now)
    await auth.renew()
    google.server.by_path["/token"] = granting("ya29.SECOND", seconds=7200)
    clock.seconds += 3600 - 240
    assert await header(auth) == f"Bearer {TOKEN}"
    clock.seconds += 30
    assert await header(auth) == "Bearer ya29.SECOND"
    assert len(google.server.requests) == 2


async def test_a_failed_renewal_raises_only_after_the_old_token_expires(google: FaultServerThread) -> None:
    clock = Clock()
    auth = GoogleAuth(now=clock.now)
    await auth.renew()
    google.server.by_path["/token"] = json_body({"error": "invalid_grant"}, status=400)
    clock.seconds += 3600 - 60
    assert await header(auth) == f"Bearer {TOKEN}"
    clock.seconds += 120
    assert (await failure(auth)).kind is ErrorKind.AUTH
    google.server.by_path["/token"] = granting("ya29.AGAIN", seconds=7200)
    assert await header(auth) == "Bearer ya29.AGAIN"


class Borrowed:
    """Credentials of a user, with a project to bill."""

    token: str | None = TOKEN
    expiry: datetime | None = None
    quota_project_id: str | None = "payer"

    def refresh(self, request: object) -> None:
        """Nothing to do: it never expires."""


async def test_the_quota_project_is_sent_unless_the_user_sets_one() -> None:
    auth = GoogleAuth(load=lambda _: Borrowed())
    await auth.renew()
    assert auth.prepare_headers({})["x-goog-user-project"] == "payer"
    assert auth.prepare_headers({"x-goog-user-project": "own"})["x-goog-user-project"] == "own"


# Errors


@pytest.mark.parametrize(
    ("response", "kind", "message"),
    [
        (
            json_body({"error": "invalid_grant", "error_description": "Token has been revoked."}, status=400),
            ErrorKind.AUTH,
            "Google rejected the credentials: invalid_grant: Token has been revoked.",
        ),
        (redirect("http://127.0.0.1:1/elsewhere", 302), ErrorKind.AUTH, "Google rejected the credentials"),
        (json_body({"access_token": None}), ErrorKind.AUTH, "no token from Google: "),
        (json_body({}), ErrorKind.AUTH, "Google rejected the credentials: No access token"),
    ],
    ids=["revoked", "redirect", "null", "nothing"],
)
async def test_rejected_credentials_are_an_error_with_the_login_command(
    google: FaultServerThread, response: Script, kind: ErrorKind, message: str
) -> None:
    google.server.by_path["/token"] = response
    error = await failure(GoogleAuth())
    assert (error.kind, error.hint.endswith("gcloud auth application-default login")) == (kind, True)
    assert str(error).startswith(message)
    assert len(google.server.requests) == 1


async def test_a_network_that_is_down_is_a_transient_error(account: Path) -> None:
    rewrite(account, token_uri="http://127.0.0.1:1/token")
    error = await failure(GoogleAuth())
    assert (error.kind, error.retryable, error.reason) == (ErrorKind.TRANSIENT, True, "unreachable")
    assert str(error) == "no token from Google: 127.0.0.1:1: [Errno 111] Connection refused"
    assert "Check the network" in error.hint


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"type": "service_account"}', b"\xff\xfe", b"[]"])
async def test_a_file_without_credentials_is_an_auth_error(account: Path, content: bytes | None) -> None:
    replace(account, content)
    error = await failure(GoogleAuth())
    assert (error.kind, "\n" in str(error)) == (ErrorKind.AUTH, False)
    assert error.hint == "Set GOOGLE_OAUTH_ACCESS_TOKEN, or run: gcloud auth application-default login"


async def test_a_missing_ca_bundle_is_named(account: Path, tmp_path: Path) -> None:
    rewrite(account, token_uri="https://127.0.0.1:1/token")
    error = await failure(GoogleAuth(ca_bundle=str(tmp_path / "missing.pem")))
    assert (error.kind, "missing.pem" in str(error)) == (ErrorKind.BAD_ENDPOINT, True)


async def test_each_waiting_request_gets_an_error_of_its_own(google: FaultServerThread) -> None:
    google.server.by_path["/token"] = json_body({"error": "invalid_grant"}, status=400)
    auth = GoogleAuth()
    errors = await asyncio.gather(*(failure(auth) for _ in range(3)))
    assert (len({id(error) for error in errors}), len(google.server.requests)) == (3, 1)


async def test_an_unexpected_error_reaches_every_waiting_request() -> None:
    def load(_: object) -> Credentials:
        raise ZeroDivisionError("by nothing")

    assert str(await failure(GoogleAuth(load=load))) == "no token from Google: ZeroDivisionError: by nothing"


async def test_no_error_shows_the_private_key_or_the_token(google: FaultServerThread, private_key: str) -> None:
    google.server.by_path["/token"] = json_body({"error": "invalid_grant"}, status=400)
    error = await failure(GoogleAuth())
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert private_key[40:80] not in shown
    auth = GoogleAuth(load=lambda _: Borrowed())
    await auth.renew()
    assert TOKEN not in f"{auth} {vars(auth)['_token']}"


WITHOUT = """
import asyncio, sys
sys.modules["google.auth"] = None
from swebench_providers.auth.google import GoogleAuth
try:
    asyncio.run(GoogleAuth().renew())
except Exception as error:
    print(error.reason, "|", error, "|", error.hint)
"""
NONE_THERE = """
import asyncio
from swebench_providers.auth.google import GoogleAuth
try:
    asyncio.run(GoogleAuth().renew())
except Exception as error:
    print(error.kind, "|", error, "|", error.hint)
"""


def run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "GOOGLE_APPLICATION_CREDENTIALS"}
    environ = {**kept, "NO_GCE_CHECK": "true", "HOME": str(home), "CLOUDSDK_CONFIG": str(home)}
    return subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)


def test_without_google_auth_the_error_names_the_install_command(tmp_path: Path) -> None:
    what = "Google credentials need a missing package: google.auth"
    assert run(WITHOUT, tmp_path).stdout == f"not_installed | {what} | Run: pip install 'swebench-tui[google]'\n"


def test_without_credentials_the_error_names_the_login_command(tmp_path: Path) -> None:
    done = run(NONE_THERE, tmp_path)
    assert done.stdout.startswith("auth | no Google credentials: Your default credentials were not found.")
    assert done.stdout.endswith("run: gcloud auth application-default login\n")
    assert done.stderr == ""


# Use by a provider


async def vertex(environ: Mapping[str, str], network: Network, *, base_url: str | None = None) -> ProviderConfig:
    config = ProviderRegistry(environ).configure("vertex", base_url=base_url)
    await HTTPProvider(provider_spec("vertex"), config, network).generate_unified(request_for("gemini-3.8-flash"))
    return config


async def test_vertex_uses_them_unless_a_token_is_set(account: Path) -> None:
    network = Network(ANSWER)
    config = await vertex({**REACH, "GOOGLE_APPLICATION_CREDENTIALS": str(account)}, network)
    assert network.sent[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert (config.key_source, config.api_key) == ("environment: GOOGLE_APPLICATION_CREDENTIALS", None)


async def test_a_token_from_the_environment_takes_precedence(account: Path, google: FaultServerThread) -> None:
    network = Network(ANSWER)
    environ = {**REACH, "GOOGLE_APPLICATION_CREDENTIALS": str(account), "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.SET"}
    config = await vertex(environ, network)
    assert network.sent[0].headers["authorization"] == "Bearer ya29.SET"
    assert (config.key_source, google.server.requests) == ("environment: GOOGLE_OAUTH_ACCESS_TOKEN", [])


async def test_a_given_key_takes_precedence_too(account: Path) -> None:
    config = ProviderRegistry({**REACH, "GOOGLE_APPLICATION_CREDENTIALS": str(account)}).configure("vertex")
    config = msgspec.structs.replace(config, api_key=Secret("ya29.GIVEN"))
    assert strategy(config.auth or "", config.api_key).prepare_headers({}) == {"authorization": "Bearer ya29.GIVEN"}


async def test_they_are_never_sent_to_a_custom_address(account: Path, google: FaultServerThread) -> None:
    network = Network(ANSWER)
    environ = {**REACH, "GOOGLE_APPLICATION_CREDENTIALS": str(account)}
    await vertex(environ, network, base_url="https://gateway.example/v1")
    assert "authorization" not in network.sent[0].headers
    assert google.server.requests == []


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()


async def test_a_request_carries_the_token_and_its_error_does_not(transport: Transport) -> None:
    async with FaultServer(Script(status=401, body=f'{{"error": {{"message": "bad: {TOKEN}"}}}}'.encode())) as server:
        server.by_path["/models/m:generateContent"] = server.default
        config = ProviderConfig(name="vertex", auth="google", base_url=server.base_url, base_url_source="given")
        with pytest.raises(ProviderError) as caught:
            await HTTPProvider(provider_spec("vertex"), config, transport).generate_unified(
                request_for("m", stream=False)
            )
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert (caught.value.kind, TOKEN in str(caught.value)) == (ErrorKind.AUTH, False)


async def test_a_failed_fetch_ends_the_request_before_it_is_sent(
    google: FaultServerThread, transport: Transport
) -> None:
    google.server.by_path["/token"] = json_body({"error": "invalid_grant"}, status=400)
    async with FaultServer(failing(500)) as server:
        config = ProviderConfig(name="vertex", auth="google", base_url=server.base_url)
        with pytest.raises(ProviderError) as caught:
            await HTTPProvider(provider_spec("vertex"), config, transport).generate_unified(request_for("m"))
        assert (caught.value.kind, caught.value.provider, server.requests) == (ErrorKind.AUTH, "vertex", [])


def test_their_source_is_detected_without_reading_the_files(tmp_path: Path, account: Path) -> None:
    login = tmp_path / "home" / ".config" / "gcloud"
    login.mkdir(parents=True)
    assert source({"HOME": str(tmp_path / "home")}) is None
    (login / "application_default_credentials.json").write_text("{}")
    by_gcloud = "gcloud: application default credentials"
    assert source({"HOME": str(tmp_path / "home")}) == by_gcloud
    assert source({"CLOUDSDK_CONFIG": str(login), "HOME": "/nowhere"}) == by_gcloud
    assert source({"GOOGLE_APPLICATION_CREDENTIALS": str(account)}) == "environment: GOOGLE_APPLICATION_CREDENTIALS"
    for name in ("K_SERVICE", "GOOGLE_GENAI_USE_VERTEXAI"):
        assert source({name: "true"}) == "this machine's service account"
    assert source({"GOOGLE_GENAI_USE_VERTEXAI": "False", "GCE_METADATA_HOST": " "}) is None
    assert from_environment("vertex", provider_spec("vertex"), REACH).auth is None


async def test_a_token_that_never_expires_is_fetched_once() -> None:
    threads: list[int] = []

    def load(_: object) -> Credentials:
        threads.append(threading.get_ident())
        return Borrowed()

    clock = Clock()
    auth = GoogleAuth(load=load, now=clock.now)
    await auth.renew()
    clock.seconds += timedelta(days=365).total_seconds()
    await auth.renew()
    assert len(threads) == 1
    assert threads != [threading.get_ident()]
