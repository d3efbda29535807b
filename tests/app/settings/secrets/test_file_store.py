"""Keys in a file: other users can never read it, and no crash or other process loses a key."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings import atomic_file
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets import file_store
from swebench_tui.settings.secrets.file_store import FileStore
from tests.app.leaks import shown

CANARY = "sk-canary-9c1f44d0e7"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "data" / "secrets")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_written_read_replaced_and_removed(store: FileStore) -> None:
    assert store.read("openai", "work") is None
    store.write("openai", "work", Secret("a"))
    store.write("openai", "home", Secret("b"))
    store.write("openai", "work", Secret("c"))
    assert (store.read("openai", "work"), store.read("openai", "home")) == (Secret("c"), Secret("b"))
    store.remove("openai", "work")
    store.remove("openai", "work")
    assert (store.read("openai", "work"), store.read("openai", "home")) == (None, Secret("b"))
    assert CANARY not in store.path.read_text()


@pytest.mark.usefixtures("open_umask")
def test_whatever_the_umask_other_users_have_no_access(store: FileStore) -> None:
    for key in ("a", "b"):
        store.write("openai", key, Secret(key))
        assert (mode(store.path), mode(store.path.parent)) == (0o600, 0o700)
    assert {mode(path) for path in store.path.parent.iterdir()} == {0o600}
    assert {path.name for path in store.path.parent.iterdir()} == {"keys.json", "lock"}


@pytest.mark.usefixtures("open_umask")
def test_the_file_has_its_mode_before_it_has_a_key(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("openai", "first", Secret("a"))
    seen: list[int] = []
    real = os.fsync

    def looking(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", looking)
    store.write("openai", "second", Secret("b"))
    assert seen == [0o600]


@pytest.mark.parametrize("others", [0o640, 0o604, 0o660, 0o601])
def test_a_file_open_to_others_is_refused_with_the_fix(store: FileStore, others: int) -> None:
    store.write("openai", "work", Secret(CANARY))
    store.path.chmod(others)
    with pytest.raises(KeyStoreError, match="open to other users") as raised:
        store.read("openai", "work")
    assert f"chmod 600 {store.path}" in raised.value.hint
    assert CANARY not in shown(raised.value)
    with pytest.raises(KeyStoreError, match="open to other users"):
        store.write("openai", "home", Secret(CANARY))
    assert mode(store.path) == others


def test_a_folder_open_to_others_is_refused(store: FileStore) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.parent.chmod(0o755)
    with pytest.raises(KeyStoreError) as raised:
        store.write("openai", "work", Secret(CANARY))
    assert f"chmod 700 {store.path.parent}" in raised.value.hint
    assert not store.path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"openai": 3}',
        f'{{"openai": {{"work": ["{CANARY}"]}}}}'.encode(),
        f'{{"{CANARY}'.encode(),
        b"\xff",
    ],
)
def test_a_broken_file_is_reported_without_its_content_and_kept(store: FileStore, content: bytes) -> None:
    store.path.parent.mkdir(parents=True, mode=0o700)
    store.path.touch(0o600)
    store.path.write_bytes(content)
    calls_to_make: list[Callable[[], object]] = [
        lambda: store.read("openai", "work"),
        lambda: store.write("openai", "work", Secret(CANARY)),
    ]
    for call in calls_to_make:
        with pytest.raises(KeyStoreError, match="not a valid key file") as raised:
            call()
        assert CANARY not in shown(raised.value)
    assert store.path.read_bytes() == content


def test_a_failed_write_leaves_the_old_keys_alone(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("openai", "work", Secret("a"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyStoreError, match="No space left") as raised:
        store.write("openai", "home", Secret(CANARY))
    assert CANARY not in shown(raised.value)
    assert (store.read("openai", "work"), store.read("openai", "home")) == (Secret("a"), None)
    assert {path.name for path in store.path.parent.iterdir()} == {"keys.json", "lock"}


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(KeyStoreError, match="could not be written"):
        FileStore(tmp_path / "data" / "secrets").write("openai", "work", Secret(CANARY))


KEEPS = """
import sys; from pathlib import Path
from swebench_providers import Secret
from swebench_tui.settings.secrets import file_store
from swebench_tui.settings.secrets.file_store import FileStore
for n in range(25): FileStore(Path(sys.argv[1])).write(sys.argv[2], str(n), Secret(f"{sys.argv[2]}-{n}"))
"""


def test_processes_that_write_at_once_lose_no_key(store: FileStore) -> None:
    folder = str(store.path.parent)
    running = [subprocess.Popen([sys.executable, "-c", KEEPS, folder, name]) for name in ("a", "b", "c")]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert all(store.read(name, str(n)) == Secret(f"{name}-{n}") for name in ("a", "b", "c") for n in range(25))


def test_a_file_locked_for_too_long_is_reported(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("openai", "work", Secret("a"))
    monkeypatch.setattr(file_store, "_LOCK_TIMEOUT", 0.0)
    with (
        atomic_file.file_lock(store.path.with_name("lock"), 1.0),
        pytest.raises(KeyStoreError, match="could not be written: locked by another process"),
    ):
        store.write("openai", "home", Secret(CANARY))
    assert store.read("openai", "home") is None
