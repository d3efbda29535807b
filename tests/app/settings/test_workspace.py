"""`Workspace`, as far as keys and providers go: what it hands out, and what it says before a key can be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.workspace import Workspace
from tests.app.settings.memory_workspace import MemoryStore

KEY = Secret("sk-canary-9c1f44d0e7")


def made(tmp_path: Path, **environ: str) -> Workspace:
    return Workspace(environ, config_folder=tmp_path / "config", data_folder=tmp_path / "data", keyring=MemoryStore())


def test_the_registry_uses_a_key_that_was_just_kept(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    assert workspace.readiness("openai").to_do == "set OPENAI_API_KEY"
    workspace.keep_key("openai", KEY, label="work")
    assert (workspace.readiness("openai").ready, workspace.readiness("openai").key_source) == (True, "keyring: work")
    assert workspace.registry.configure("openai").api_key == KEY
    assert list(workspace.configs("openai")) == ["keyring: work"]


def test_a_key_needs_an_address_it_is_kept_for(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="no address yet") as raised:
        made(tmp_path).keep_key("compatible", KEY)
    assert "--base-url" in raised.value.hint
    with pytest.raises(KeyStoreError, match="takes no key"):
        made(tmp_path).keep_key("embedded", KEY)


def test_every_key_in_hand_is_known_so_that_it_can_be_scrubbed(tmp_path: Path) -> None:
    workspace = made(tmp_path, ANTHROPIC_API_KEY="from-environment")
    workspace.keep_key("openai", KEY)
    assert set(workspace.known_secrets()) == {KEY, Secret("from-environment")}


def test_a_provider_that_is_removed_takes_its_keys_along(tmp_path: Path) -> None:
    workspace = made(tmp_path)
    workspace.add_provider("mybox", like="compatible", base_url="http://gpubox:8000/v1")
    workspace.keep_key("mybox", KEY)
    assert workspace.keys("mybox")[0].host == "http://gpubox:8000"
    workspace.remove_provider("mybox")
    assert (workspace.keys("mybox"), "mybox" in workspace.registry.list_providers()) == ((), False)
    assert workspace.known_secrets() == []
