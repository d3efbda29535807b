"""A service account at Google, whose tokens come from a fault server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.fault_server import FaultServerThread, Script

TOKEN = "ya29.A0EXAMPLE-0123456789"


def granting(token: str, *, seconds: int = 3600, after: float = 0) -> Script:
    reply = {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}
    return Script(body=msgspec.json.encode(reply), before_head=after)


@pytest.fixture(scope="session")
def private_key() -> str:
    """In PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


@pytest.fixture
def google() -> Iterator[FaultServerThread]:
    """The server that grants tokens, in a loop of its own."""
    with FaultServerThread() as thread:
        thread.server.by_path["/token"] = granting(TOKEN)
        yield thread


@pytest.fixture
def account(google: FaultServerThread, private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file of a service account whose tokens come from `google`, where `google-auth` looks for one."""
    file = tmp_path / "account.json"
    fields = {
        "type": "service_account",
        "project_id": "my-proj",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "tester@my-proj.iam.gserviceaccount.com",
        "token_uri": f"{google.base_url}/token",
    }
    file.write_bytes(msgspec.json.encode(fields))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return file
