"""The fault server as a pytest fixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fault_server.server import FaultServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def fault_server() -> AsyncIterator[FaultServer]:
    """A fault server in the event loop of the test; its default is `Script()`."""
    async with FaultServer() as server:
        yield server
