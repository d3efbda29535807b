"""A redirect is not followed, so no key of any kind reaches another origin."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from swebench_providers import ErrorKind, NoAuth, ProviderConfig, Secret, TimeLimits, UnifiedRequest
from swebench_providers.auth import strategy
from swebench_providers.auth.google import GoogleAuth
from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.catalog import AuthStyle, provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, redirect
from tests.providers.auth.test_google_credentials import Borrowed
from tests.providers.dialects import KEY, error_of

STYLES: tuple[str, ...] = get_args(AuthStyle)
CODES = [301, 302, 303, 307, 308]


def fetched() -> GoogleAuth:
    credentials = Borrowed()
    credentials.token = KEY
    return GoogleAuth(load=lambda _: credentials)


STRATEGIES: dict[str, AuthStrategy] = {
    **{style: strategy(style, Secret(KEY)) for style in STYLES},
    "google, fetched": fetched(),
}


@pytest.mark.parametrize("status", CODES)
@pytest.mark.parametrize("style", STRATEGIES)
async def test_no_key_is_carried_to_another_origin(
    fault_server: FaultServer, transport: Transport, style: str, status: int
) -> None:
    async with FaultServer() as other:
        auth, limits = STRATEGIES[style], TimeLimits()
        fault_server.by_path["/v1/models"] = redirect(f"{other.base_url}/v1/models", status)
        url = f"{fault_server.base_url}/v1/models"
        for method, body in (("GET", None), ("POST", b"{}")):
            async with transport.send(method, url, headers={}, auth=auth, body=body, limits=limits) as response:
                assert response.status == status
        assert (len(fault_server.requests), other.requests) == (2, [])
        for request in fault_server.requests:
            assert (KEY in str(request.headers)) is not isinstance(auth, NoAuth)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
@pytest.mark.parametrize("style", [style for style in STYLES if style != "none"])
async def test_a_redirect_is_reported_and_not_followed(
    fault_server: FaultServer, transport: Transport, style: AuthStyle, *, stream: bool
) -> None:
    async with FaultServer() as other:
        fault_server.default = redirect(f"{other.base_url}/v1/chat/completions")
        spec = msgspec.structs.replace(provider_spec("compatible"), auth=style)
        config = ProviderConfig(name="own", api_key=Secret(KEY), base_url=f"{fault_server.base_url}/v1")
        error = await error_of(
            HTTPProvider(spec, config, transport), UnifiedRequest(model="m", prompt="Hi", stream=stream)
        )
        assert (error.kind, KEY in str(error), other.requests) == (ErrorKind.BAD_ENDPOINT, False, [])
