"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

from tests.fault_server.fixture import fault_server

__all__ = ["fault_server"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("swebench-tui", deadline=None)
settings.load_profile("swebench-tui")
