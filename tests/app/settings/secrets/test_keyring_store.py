"""The system keyring: usable backends, errors without keys, and timeouts."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import InitError, KeyringError, KeyringLocked, PasswordDeleteError

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets import keyring_store
from swebench_tui.settings.secrets.keyring_store import KeyringStore
from tests.app.leaks import shown

CANARY = "sk-canary-9c1f44d0e7"


class Memory(KeyringBackend):
    """A keyring that works."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class PlaintextKeyring(Memory):
    """Like the one of keyrings.alt, by its name."""


class Raising(Memory):
    """A keyring that raises on every call, with an error that quotes its arguments."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        password = CANARY  # a local variable of the failing frame
        raise self.error(f"no {service} {username}, though there is {len(password)}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error(f"{service} {username} cannot keep {password}\n\x1b[31m")


class HandsOut(Memory):
    """A read-only keyring, like those of package indexes."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


class Hanging(Memory):
    """A keyring that hangs until the test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        self.released.wait()
        return super().get_password(service, username)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    backend = Hanging()
    yield backend
    backend.released.set()


def store_with(backend: KeyringBackend, *, timeout: float = 3.0) -> KeyringStore:
    return KeyringStore(lambda: backend, timeout=timeout)


def chain(*backends: KeyringBackend) -> KeyringBackend:
    chained = ChainerBackend.__new__(ChainerBackend)
    type.__setattr__(ChainerBackend, "backends", list(backends))
    return chained


@pytest.fixture
def restored_chain() -> Iterator[None]:
    before = ChainerBackend.__dict__["backends"]
    yield
    type.__setattr__(ChainerBackend, "backends", before)


def test_keys_are_written_read_replaced_and_removed_by_label() -> None:
    backend = Memory()
    store = store_with(backend)
    store.write("openai", "work", Secret("a"))
    store.write("openai", "work", Secret("b"))
    store.write("openai", "home", Secret("c"))
    assert backend.kept == {("swebench-tui", "openai/work"): "b", ("swebench-tui", "openai/home"): "c"}
    assert store.read("openai", "work") == Secret("b")
    store.remove("openai", "work")
    store.remove("openai", "work")
    assert store.read("openai", "work") is None
    assert (store.probe().usable, "Memory" in store.probe().name) == (True, True)


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (NoKeyring(), "no system keyring"),  # type: ignore[no-untyped-call]
        (NullKeyring(), "no system keyring"),  # type: ignore[no-untyped-call]
        (PlaintextKeyring(), "plain text"),
        (type("EncryptedKeyring", (Memory,), {"__module__": "keyrings.alt.file"})(), "on the terminal"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_unusable_backend_gets_no_key_and_a_reason(backend: KeyringBackend, why: str) -> None:
    store = store_with(backend)
    assert why in store.probe().problem
    with pytest.raises(KeyStoreError, match=why) as raised:
        store.write("openai", "work", Secret(CANARY))
    assert "key_command" in raised.value.hint
    assert getattr(backend, "kept", {}) == {}
    assert CANARY not in shown(raised.value)


@pytest.mark.usefixtures("restored_chain")
def test_only_usable_backends_of_a_chain_are_used() -> None:
    plain, safe = PlaintextKeyring(), Memory()
    store = store_with(chain(plain, HandsOut(), safe))
    store.write("openai", "work", Secret("k"))
    assert (len(plain.kept), len(safe.kept), store.read("openai", "work")) == (0, 1, Secret("k"))
    nothing = store_with(chain(plain))
    assert "plain text" in nothing.probe().problem


def test_a_read_only_keyring_is_reported() -> None:
    with pytest.raises(KeyStoreError, match="read-only"):
        store_with(HandsOut()).write("openai", "work", Secret("k"))


@pytest.mark.parametrize(
    "error", [KeyringError, InitError, KeyringLocked, PasswordDeleteError, RuntimeError, OSError, ValueError]
)
def test_backend_errors_are_one_line_without_the_key(error: type[Exception]) -> None:
    store, key = store_with(Raising(error)), Secret(CANARY)
    calls_to_make: list[Callable[[], object]] = [
        lambda: store.read("openai", "work"),
        lambda: store.write("openai", "work", key),
        lambda: store.remove("openai", "work"),
    ]
    for call in calls_to_make:
        with pytest.raises(KeyStoreError) as raised:
            call()
        assert "\n" not in str(raised.value)
        assert "\x1b" not in str(raised.value)
        assert raised.value.hint
        assert CANARY not in shown(raised.value)
    assert not store.probe().usable


def test_a_backend_that_cannot_be_loaded_is_a_problem() -> None:
    def find() -> KeyringBackend:
        raise ImportError("No module named 'mine'")

    assert "No module named 'mine'" in KeyringStore(find).probe().problem


def test_a_hanging_keyring_times_out_and_is_called_once(hanging: Hanging) -> None:
    store = store_with(hanging, timeout=0.05)
    with pytest.raises(KeyStoreError, match=r"no response within 0\.05 s") as raised:
        store.read("openai", "work")
    assert raised.value.hint
    assert "no response" in store.probe().problem
    with pytest.raises(KeyStoreError, match="no response"):
        store.write("openai", "work", Secret(CANARY))
    assert hanging.calls == 1


def test_a_keyring_unlocked_late_is_used_again(hanging: Hanging) -> None:
    store = store_with(hanging, timeout=1.0)
    assert not store.probe().usable
    hanging.released.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()
    assert store.probe().usable


HANGS = """
import threading
from tests.app.settings.secrets.test_keyring_store import Hanging
from swebench_tui.settings.secrets.keyring_store import KeyringStore
print(KeyringStore(Hanging, timeout=0.05).probe().problem)
"""


def test_the_program_exits_while_a_keyring_call_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("no response")


def test_the_default_timeout_is_three_seconds() -> None:
    assert keyring_store.TIMEOUT == 3.0
