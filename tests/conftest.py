"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

from tests.fault_server.fixture import fault_server
from tests.google_account import account, google, private_key

__all__ = ["account", "fault_server", "google", "private_key"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("swebench-tui", deadline=None)
settings.load_profile("swebench-tui")
