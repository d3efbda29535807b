"""Stored keys and their list in the settings: no key is ever listed for a host it was not stored for."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.definitions import StoredKey
from swebench_tui.settings.errors import KeyStoreError
from tests.app.leaks import shown
from tests.app.settings.memory_workspace import MemoryWorkspace

CANARY = "sk-canary-9c1f44d0e7"
KEY = Secret(CANARY)
HOST, OTHER_HOST = "https://api.openai.com", "https://proxy.example"


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path)


def entry(label: str, place: str = "keyring", host: str = HOST) -> StoredKey:
    return StoredKey(label=label, storage=place, host=host)  # type: ignore[arg-type]


def test_a_stored_key_is_listed_and_read_once(workspace: MemoryWorkspace) -> None:
    added = workspace.keys.add("openai", KEY, label="work", storage=None)
    assert workspace.keys.entries("openai") == (added,) == (entry("work"),)
    assert CANARY not in str(workspace.document)
    again = MemoryWorkspace(Path("/nowhere"), workspace.document)
    again.keyring.kept = workspace.keyring.kept
    assert [again.keys.read("openai", added) for _ in range(3)] == [KEY] * 3
    assert (again.keyring.reads, again.keys.known()) == (1, [KEY])


def test_keys_keep_their_order_and_a_label_replaces(workspace: MemoryWorkspace) -> None:
    for label, key in (("work", "a"), ("home", "b"), ("work", "c")):
        workspace.keys.add("openai", Secret(key), label=label, storage=None)
    assert workspace.keys.entries("openai") == (entry("work"), entry("home"))
    assert workspace.keys.read("openai", entry("work")) == Secret("c")


def test_explicit_storage_is_remembered_and_a_file_never_assumed(workspace: MemoryWorkspace) -> None:
    workspace.keys.add("openai", KEY, label="a", storage=None)
    assert workspace.settings().secrets.keep_in is None
    workspace.keys.add("openai", KEY, label="b", storage="file")
    assert workspace.settings().secrets.keep_in == "file"
    assert workspace.keys.add("openai", KEY, label="c", storage=None).storage == "file"


def test_a_key_that_cannot_be_stored_is_not_listed(workspace: MemoryWorkspace) -> None:
    workspace.keyring.broken = "it is locked"
    with pytest.raises(KeyStoreError, match="locked") as raised:
        workspace.keys.add("openai", KEY, label="work", storage="keyring")
    assert workspace.keys.entries("openai") == ()
    assert CANARY not in shown(raised.value)


def test_read_only_settings_leave_no_key_behind(workspace: MemoryWorkspace) -> None:
    workspace.read_only = 0
    with pytest.raises(KeyStoreError, match="cannot be written") as raised:
        workspace.keys.add("openai", KEY, label="work", storage=None)
    assert workspace.keyring.kept == {}
    assert "environment variable" in raised.value.hint
    assert CANARY not in shown(raised.value)


@pytest.mark.parametrize("works", [0, 1])
def test_a_new_key_is_never_listed_for_the_old_host(workspace: MemoryWorkspace, works: int) -> None:
    workspace.keys.add("openai", Secret("old"), label="work", storage=None)
    workspace.read_only = workspace.changes + works
    workspace.host = OTHER_HOST
    with pytest.raises(KeyStoreError):
        workspace.keys.add("openai", KEY, label="work", storage=None)
    listed = workspace.keys.entries("openai")
    assert all(workspace.keys.read("openai", kept) != KEY for kept in listed)
    assert KEY not in workspace.keyring.kept.values()


def test_a_label_that_moves_leaves_its_old_store_empty(workspace: MemoryWorkspace) -> None:
    workspace.keys.add("openai", Secret("old"), label="work", storage="keyring")
    workspace.keys.add("openai", KEY, label="work", storage="file")
    assert (workspace.keyring.kept, workspace.keys.entries("openai")) == ({}, (entry("work", "file"),))
    workspace.keyring.broken = "it is locked"
    with pytest.raises(KeyStoreError):
        workspace.keys.add("openai", Secret("new"), label="work", storage="keyring")
    assert workspace.keys.read("openai", workspace.keys.entries("openai")[0]) == KEY


def test_removal_covers_store_and_list_or_neither(workspace: MemoryWorkspace) -> None:
    workspace.keys.add("openai", KEY, label="work", storage=None)
    workspace.keyring.broken = "it is locked"
    with pytest.raises(KeyStoreError, match="locked"):
        workspace.keys.remove("openai", "work")
    assert workspace.keys.entries("openai") == (entry("work"),)
    workspace.keyring.broken = ""
    workspace.keys.remove("openai", "work")
    assert (workspace.keys.entries("openai"), workspace.keyring.kept, workspace.keys.known()) == ((), {}, [])
    with pytest.raises(KeyStoreError, match="no stored key 'work'"):
        workspace.keys.remove("openai", "work")


def test_a_key_missing_from_its_store_is_reported(workspace: MemoryWorkspace) -> None:
    workspace.keys.add("openai", KEY, label="work", storage=None)
    other = MemoryWorkspace(Path("/nowhere"), workspace.document)
    with pytest.raises(KeyStoreError, match="no longer in the keyring") as raised:
        other.keys.read("openai", entry("work"))
    assert "provider init openai" in raised.value.hint


@pytest.mark.parametrize("label", ["", "-x", "a\nb", "x" * 41, CANARY, "0123456789abcdef0123456789abcdef"])
def test_an_invalid_label_is_refused_and_never_shown(workspace: MemoryWorkspace, label: str) -> None:
    with pytest.raises(KeyStoreError) as raised:
        workspace.keys.add("openai", KEY, label=label, storage=None)
    assert CANARY not in f"{raised.value}{raised.value.hint}"
    assert workspace.keyring.kept == {}
