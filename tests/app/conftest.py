"""Every test of the app starts from the same environment: no keys, no addresses, folders of its own."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_providers import catalog
from swebench_tui.tui import collector
from tests.fault_server import FaultServerThread

_OF_TERMINALS = re.compile(r"^(TEXTUAL(?!_SNAPSHOT)|XDG)_|^(NO_COLOR|COLORTERM|COLUMNS|LINES)$|_proxy$", re.IGNORECASE)
_OF_PROVIDERS = {
    name for spec in map(catalog.provider_spec, catalog.provider_names()) for name in (*spec.env, *spec.base_url_env)
}


@pytest.fixture(scope="session", autouse=True)
def collector_at_rest() -> Iterator[None]:
    """As in the program itself; it is a third of the CPU of these tests too."""
    before = gc.get_threshold()
    collector.tune()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture(scope="session")
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program keeps files in these tests: checkouts are made once for all of them."""
    return tmp_path_factory.mktemp("user")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, user_folders: Path) -> None:
    """Whatever the user's shell sets stays out."""
    for name in [name for name in os.environ if name in _OF_PROVIDERS or _OF_TERMINALS.search(name)]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # never the keyring of who tests
    monkeypatch.setenv("XDG_CACHE_HOME", str(user_folders / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(user_folders / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user_folders / "config"))


@pytest.fixture
def server() -> Iterator[FaultServerThread]:
    """A fault server in a thread of its own."""
    with FaultServerThread() as thread:
        yield thread
