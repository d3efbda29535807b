"""Keys and providers of a `Workspace`."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.workspace import Workspace
from tests.app.settings.memory_workspace import MemoryStore

KEY = Secret("sk-canary-9c1f44d0e7")


def workspace_in(tmp_path: Path, **environ: str) -> Workspace:
    return Workspace(environ, config_folder=tmp_path / "config", data_folder=tmp_path / "data", keyring=MemoryStore())


def test_the_registry_uses_a_key_just_stored(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    assert workspace.providers.readiness("openai").to_do == "set OPENAI_API_KEY"
    workspace.keys.add("openai", KEY, label="work")
    assert (workspace.providers.readiness("openai").ready, workspace.providers.readiness("openai").key_source) == (
        True,
        "keyring: work",
    )
    assert workspace.registry.configure("openai").api_key == KEY
    assert list(workspace.providers.configs_with_keys("openai")) == ["keyring: work"]


def test_a_key_needs_an_address_to_be_bound_to(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="no base URL yet") as raised:
        workspace_in(tmp_path).keys.add("compatible", KEY)
    assert "--base-url" in raised.value.hint
    with pytest.raises(KeyStoreError, match="does not use a key"):
        workspace_in(tmp_path).keys.add("embedded", KEY)


def test_every_key_in_memory_is_known_for_scrubbing(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path, ANTHROPIC_API_KEY="from-environment")
    workspace.keys.add("openai", KEY)
    assert set(workspace.known_secrets()) == {KEY, Secret("from-environment")}


def test_removing_a_provider_removes_its_keys(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    workspace.providers.add("mybox", like="compatible", base_url="http://gpubox:8000/v1")
    workspace.keys.add("mybox", KEY)
    assert workspace.keys.entries("mybox")[0].host == "http://gpubox:8000"
    workspace.providers.remove("mybox")
    assert (workspace.keys.entries("mybox"), "mybox" in workspace.registry.list_providers()) == ((), False)
    assert workspace.known_secrets() == []
