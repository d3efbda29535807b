"""`Setup`, as far as keys and providers go: what it hands out, and what it says before a key can be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.workspace import Setup
from tests.app.settings.plain_setup import MemoryStore

KEY = Secret("sk-canary-9c1f44d0e7")


def made(tmp_path: Path, **environ: str) -> Setup:
    return Setup(environ, config_folder=tmp_path / "config", data_folder=tmp_path / "data", keyring=MemoryStore())


def test_the_registry_uses_a_key_that_was_just_kept(tmp_path: Path) -> None:
    setup = made(tmp_path)
    assert setup.readiness("openai").to_do == "set OPENAI_API_KEY"
    setup.keep_key("openai", KEY, label="work")
    assert (setup.readiness("openai").ready, setup.readiness("openai").key_source) == (True, "keyring: work")
    assert setup.registry.configure("openai").api_key == KEY
    assert list(setup.configs("openai")) == ["keyring: work"]


def test_a_key_needs_an_address_it_is_kept_for(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="no address yet") as raised:
        made(tmp_path).keep_key("compatible", KEY)
    assert "--base-url" in raised.value.hint
    with pytest.raises(KeyStoreError, match="takes no key"):
        made(tmp_path).keep_key("embedded", KEY)


def test_every_key_in_hand_is_known_so_that_it_can_be_scrubbed(tmp_path: Path) -> None:
    setup = made(tmp_path, ANTHROPIC_API_KEY="from-environment")
    setup.keep_key("openai", KEY)
    assert set(setup.known_secrets()) == {KEY, Secret("from-environment")}


def test_a_provider_that_is_removed_takes_its_keys_along(tmp_path: Path) -> None:
    setup = made(tmp_path)
    setup.add_provider("mybox", like="compatible", base_url="http://gpubox:8000/v1")
    setup.keep_key("mybox", KEY)
    assert setup.keys("mybox")[0].host == "http://gpubox:8000"
    setup.remove_provider("mybox")
    assert (setup.keys("mybox"), "mybox" in setup.registry.list_providers()) == ((), False)
    assert setup.known_secrets() == []
