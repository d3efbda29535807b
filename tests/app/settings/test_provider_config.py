"""Addresses and keys of configurations: no key is sent to an address that it was not stored for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, ProviderSpec, Secret
from swebench_providers.catalog import provider_spec
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.provider_config import host_of
from swebench_tui.settings.providers import custom_spec
from tests.app.settings.memory_workspace import MemoryWorkspace

OPENAI = "https://api.openai.com"
EVIL = "https://evil.example"


def workspace(tmp_path: Path, name: str = "openai", **provider: Any) -> MemoryWorkspace:
    setup = MemoryWorkspace(tmp_path, {"providers": {name: provider}})
    for stored in provider.get("keys", ()):
        setup.keyring.kept[name, stored["label"]] = Secret(f"kept-{stored['label']}")
    return setup


def stored(label: str, host: str = OPENAI) -> dict[str, str]:
    return {"label": label, "place": "keyring", "host": host}


def configure(
    setup: MemoryWorkspace,
    name: str = "openai",
    spec: ProviderSpec | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    **variables: str,
) -> ProviderConfig:
    environ = {**(environ or {}), **variables}
    return setup.configs.configure(name, spec or provider_spec(name), environ, base_url=base_url)


def test_keys_come_from_environment_then_command_then_store(tmp_path: Path) -> None:
    setup = workspace(tmp_path, key_command="pass show openai", keys=[stored("work"), stored("home")])
    every = setup.configs.with_keys("openai", provider_spec("openai"), {"OPENAI_API_KEY": "from-environment"})
    assert {source: config.api_key for source, config in every.items()} == {
        "environment: OPENAI_API_KEY": Secret("from-environment"),
        "command": Secret("from-command"),
        "keyring: work": Secret("kept-work"),
        "keyring: home": Secret("kept-home"),
    }
    assert list(every) == ["environment: OPENAI_API_KEY", "command", "keyring: work", "keyring: home"]
    assert all(config.key_source == source for source, config in every.items())


def test_a_description_names_the_source_without_reading_the_key(tmp_path: Path) -> None:
    setup = workspace(tmp_path, key_command="pass show openai", keys=[stored("work")])
    described = setup.configs.describe("openai", provider_spec("openai"), {})
    assert (described.key_source, described.api_key) == ("command", None)
    assert (setup.commands, setup.keyring.reads) == ([], 0)


def test_a_command_runs_once_and_only_when_needed(tmp_path: Path) -> None:
    setup = workspace(tmp_path, key_command="pass show openai")
    configure(setup, OPENAI_API_KEY="from-environment")
    assert setup.commands == []
    assert [configure(setup).api_key for _ in range(3)] == [Secret("from-command")] * 3
    assert setup.commands == ["openai: pass show openai"]


@pytest.mark.parametrize("layer", [Layer.USER_FILE, Layer.PROJECT_FILE])
def test_a_stored_key_is_used_for_its_own_host_only(tmp_path: Path, layer: Layer) -> None:
    setup = workspace(tmp_path, base_url=f"{EVIL}/v1", keys=[stored("work"), stored("theirs", EVIL)])
    setup.layer = layer
    assert configure(setup).api_key == Secret("kept-theirs")
    assert configure(setup, base_url=f"{OPENAI}/v1").api_key == Secret("kept-work")
    assert configure(setup, base_url="http://api.openai.com/v1").api_key is None
    assert configure(setup, base_url=f"{OPENAI}:8443/v1").api_key is None


def test_command_keys_and_headers_never_go_to_a_project_address(tmp_path: Path) -> None:
    setup = workspace(tmp_path, base_url=f"{EVIL}/v1", key_command="pass", headers={"x-team": "secret"})
    users = configure(setup)
    assert (users.api_key, users.headers) == (Secret("from-command"), {"x-team": "secret"})
    setup.layer = Layer.PROJECT_FILE
    projects = configure(setup)
    assert (projects.base_url, projects.api_key, projects.headers) == (f"{EVIL}/v1", None, {})
    back = configure(setup, OPENAI_BASE_URL="https://mine.example/v1")
    assert (back.base_url, back.api_key) == ("https://mine.example/v1", Secret("from-command"))


@pytest.mark.parametrize("name", ["openai", "compatible", "anthropic", "vllm"])
def test_environment_keys_never_go_to_a_project_address(tmp_path: Path, name: str) -> None:
    spec = provider_spec(name)
    setup = workspace(tmp_path, name, base_url=f"{EVIL}/v1")
    setup.layer = Layer.PROJECT_FILE
    environ = dict.fromkeys((*spec.env, *spec.token_env), "from-environment")
    config = configure(setup, name, environ=environ)
    assert (config.base_url, config.api_key, config.key_source) == (f"{EVIL}/v1", None, None)


def test_a_provider_added_by_a_project_gets_no_key(tmp_path: Path) -> None:
    setup = workspace(tmp_path, "deepseek", like="compatible", base_url=f"{EVIL}/v1")
    spec = custom_spec("deepseek", provider_spec("compatible"))
    assert configure(setup, "deepseek", spec, DEEPSEEK_API_KEY="k").api_key == Secret("k")
    setup.layer = Layer.PROJECT_FILE
    assert configure(setup, "deepseek", spec, DEEPSEEK_API_KEY="k", COMPATIBLE_API_KEY="k").api_key is None


def test_the_address_follows_the_order_of_precedence(
    tmp_path: Path,
) -> None:
    file, environ = "https://file.example/v1", {"OPENAI_BASE_URL": "https://environment.example/v1"}
    setup = workspace(tmp_path, base_url=file)
    assert configure(setup, base_url="https://line.example/v1", environ=environ).base_url == "https://line.example/v1"
    assert configure(setup, environ=environ).base_url == environ["OPENAI_BASE_URL"]
    assert configure(setup).base_url == file
    assert configure(workspace(tmp_path)).base_url == f"{OPENAI}/v1"


def test_all_settings_of_a_provider_reach_its_configuration(tmp_path: Path) -> None:
    setup = workspace(
        tmp_path,
        model="gpt-6-sol",
        proxy="http://proxy:1",
        protocol="openai_responses",
        auth="api-key",
        base_models={"mine": "gpt-6-sol"},
        time_limits={"idle": 5.0},
    )
    setup.document["network"] = {"proxy": "http://other:1", "ca_bundle": "/certificates.pem"}
    config = configure(setup)
    assert (config.model, config.proxy, config.ca_bundle) == ("gpt-6-sol", "http://proxy:1", "/certificates.pem")
    assert (config.protocol, config.auth, config.base_models) == ("openai_responses", "api-key", {"mine": "gpt-6-sol"})
    assert (config.time_limits.idle, config.time_limits.connect) == (5.0, 10.0)


def test_an_unreadable_key_is_a_provider_error_with_hint(tmp_path: Path) -> None:
    setup = workspace(tmp_path, keys=[stored("work")])
    setup.keyring.broken = "it is locked"
    with pytest.raises(ProviderError, match="locked") as raised:
        configure(setup)
    assert (raised.value.kind, raised.value.hint) == (ErrorKind.AUTH, "Do something else.")
    with pytest.raises(KeyStoreError, match="locked"):
        setup.configs.with_keys("openai", provider_spec("openai"), {})
    assert configure(setup, OPENAI_API_KEY="k").api_key == Secret("k")
    assert list(setup.configs.with_keys("openai", provider_spec("openai"), {"OPENAI_API_KEY": "k"})) == [
        "environment: OPENAI_API_KEY"
    ]


def test_a_provider_without_keys_gets_none(tmp_path: Path) -> None:
    setup = workspace(tmp_path, "embedded", key_command="pass")
    assert list(setup.configs.with_keys("embedded", provider_spec("embedded"), {})) == [""]
    assert setup.commands == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.openai.com:443/v1?x=1", "https://api.openai.com"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://api.openai.com./v1", "https://api.openai.com"),
        ("ftp://host", ""),
        ("https://.", ""),
        ("http://host:port", ""),
        ("", ""),
    ],
)
def test_a_host_is_normalised_scheme_name_and_port(url: str, host: str) -> None:
    assert host_of(url) == host


@given(text=st.text())
def test_a_host_is_its_own_host_whatever_the_address(text: str) -> None:
    host = host_of(f"https://{text}")
    assert host_of(host) == host
