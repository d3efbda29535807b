"""Every secret a request carried is masked in what comes back: the key, its headers, and tokens that expire."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from swebench_providers import GoogleAuth, ProviderConfig, ProviderError, Secret
from swebench_providers.auth.strategies import ExpiringAuth, NoAuth, renew, scrubber_for
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from swebench_providers.redaction import MASK, Scrubber, tokens_in_use
from swebench_providers.types.errors import ErrorKind
from tests.fault_server import FaultServer, FaultServerThread, Script, failing
from tests.google_account import granting
from tests.providers.dialects import KEY, REQUEST, error_of, provider_at
from tests.providers.network import request_for

TOKEN = "opaque+token+of+no+known+shape+0123"


class Opaque(ExpiringAuth):
    """A token that never expires."""

    @property
    def token(self) -> Secret | None:
        return Secret("a token of this test alone")

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        return dict(base_headers)

    async def renew(self) -> None:
        """Nothing to do."""


def quoting(text: str) -> Script:
    """A refusal that quotes `text` wherever a server can."""
    return Script(
        status=403,
        error_message=f"not allowed: Bearer {text}",
        error_code=f"code-{text}",
        headers={"x-request-id": f"req-{text}"},
    )


def shown(error: ProviderError) -> str:
    return f"{error} {error!r} {error.hint} {error.code} {error.request_id} {error.parameter} {vars(error)}"


def vertex(server: FaultServer, transport: Transport) -> HTTPProvider:
    config = ProviderConfig(name="vertex", auth="google", base_url=server.base_url, base_url_source="given")
    return HTTPProvider(provider_spec("vertex"), config, transport)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_an_expiring_token_is_masked_in_errors_and_logs(
    google: FaultServerThread,
    fault_server: FaultServer,
    transport: Transport,
    caplog: pytest.LogCaptureFixture,
    *,
    stream: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    google.server.by_path["/token"] = granting(TOKEN)
    for method in ("generateContent", "streamGenerateContent"):
        fault_server.by_path[f"/models/m:{method}"] = quoting(TOKEN)
    error = await error_of(vertex(fault_server, transport), request_for("m", stream=stream))
    assert fault_server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert (error.kind, MASK in str(error), MASK in error.code) == (ErrorKind.AUTH, True, True)
    assert TOKEN not in shown(error)
    assert TOKEN not in caplog.text


@pytest.mark.usefixtures("account")
async def test_an_expiring_token_is_masked_in_a_token_count(
    google: FaultServerThread, fault_server: FaultServer, transport: Transport
) -> None:
    google.server.by_path["/token"] = granting(TOKEN)
    fault_server.by_path["/models/m:countTokens"] = quoting(TOKEN)
    count = await vertex(fault_server, transport).count_tokens("text", "m")
    assert fault_server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "not allowed" in count.means
    assert TOKEN not in count.means


@pytest.mark.usefixtures("account")
async def test_the_token_before_a_renewal_is_masked_too(google: FaultServerThread) -> None:
    now = datetime.now(UTC).timestamp()
    auth = GoogleAuth(now=lambda: now)
    google.server.by_path["/token"] = granting(TOKEN)
    await auth.renew()
    google.server.by_path["/token"] = granting("another+token+of+no+known+shape", seconds=7200)
    now += timedelta(hours=1).total_seconds()
    await auth.renew()
    scrubbed = scrubber_for(auth).scrub(f"{TOKEN} has expired, another+token+of+no+known+shape has not")
    assert scrubbed == f"{MASK} has expired, {MASK} has not"


async def test_tokens_in_use_are_those_of_strategies_that_exist() -> None:
    auth = Opaque()
    await renew(auth)
    await renew(auth)
    assert tokens_in_use().count(Secret("a token of this test alone")) == 1
    await renew(NoAuth())
    del auth
    gc.collect()
    assert Secret("a token of this test alone") not in tokens_in_use()


@pytest.mark.parametrize(
    ("fields", "quoted"),
    [
        ({}, KEY),
        ({}, KEY[:20]),
        ({"api_key": None, "headers": {"x-api-key": "secret-of-a-header"}}, "secret-of-a-header"),
        ({"api_key": None, "headers": {"Authorization": "Basic bWU6aHVudGVyMg=="}}, "bWU6aHVudGVyMg=="),
        ({"api_key": None}, "sk-ant-api03-somebody-elses-key"),
    ],
    ids=["key", "beginning of the key", "header", "basic", "another key"],
)
async def test_whatever_a_server_quotes_of_secrets_is_masked(
    fault_server: FaultServer, transport: Transport, fields: Mapping[str, Any], quoted: str
) -> None:
    fault_server.default = quoting(quoted)
    provider = provider_at(f"{fault_server.base_url}/v1", "compatible", transport, **fields)
    error = await error_of(provider, REQUEST)
    assert "not allowed" in str(error)
    assert quoted not in shown(error)


async def test_a_hint_that_names_the_key_is_masked(fault_server: FaultServer, transport: Transport) -> None:
    fault_server.default = failing(429, f"see https://vendor.example/limits?of={KEY}")
    error = await error_of(provider_at(f"{fault_server.base_url}/v1", "compatible", transport), REQUEST)
    assert KEY not in shown(error)


def test_secrets_that_share_parts_are_all_masked() -> None:
    scrubber = Scrubber(lambda: [Secret(""), Secret("opensesame"), Secret("opensesame-and-close"), Secret(TOKEN)])
    assert scrubber.scrub("opensesame-and-close, opensesame") == f"{MASK}, {MASK}"
    sharing = Scrubber(lambda: [Secret(TOKEN), Secret(f"another-{TOKEN[:20]}")])
    assert sharing.scrub(f"another-{TOKEN[:20]}") == MASK
