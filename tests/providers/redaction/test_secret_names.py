"""A value is secret by the name it stands under."""

from __future__ import annotations

import pytest

from swebench_providers import ProviderConfig, Secret
from swebench_providers.redaction import is_secret_setting, secrets_of_environment
from swebench_providers.redaction.secret_names import is_secret_header, is_secret_variable


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "MY_TOKEN", "AWS_ACCESS_KEY_ID", "apikey", "OPENAI_KEY2", "GOOGLE_APPLICATION_CREDENTIALS"],
)
def test_a_variable_is_secret_by_its_name(name: str) -> None:
    assert is_secret_variable(name)


@pytest.mark.parametrize("name", ["KEYBOARD", "TOKENIZERS_PARALLELISM", "PATH", "MONKEYTYPE"])
def test_a_variable_that_only_holds_the_letters_is_not(name: str) -> None:
    assert not is_secret_variable(name)


def test_short_values_of_secret_variables_are_no_secrets() -> None:
    environ = {"ACME_API_KEY": "abcdefgh1", "MY_TOKEN": "abcdefgh2", "KEYBOARD": "abcdefgh3", "A_KEY": "1"}
    assert secrets_of_environment(environ) == [Secret("abcdefgh1"), Secret("abcdefgh2")]


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Ocp-Apim-Subscription-Key", "X-Auth-Token", "Cookie"])
def test_a_header_is_secret_by_its_name(name: str) -> None:
    assert is_secret_header(name)
    assert not is_secret_header("x-team")


def test_only_names_of_keys_are_names_of_misplaced_keys() -> None:
    assert all(map(is_secret_setting, ("api_key", "apikey", "Token", "keys", "password")))
    assert not any(map(is_secret_setting, ("keymap", "key_command", "max_tokens", "model")))


def test_a_configuration_knows_all_that_it_sends_in_secret() -> None:
    config = ProviderConfig(
        name="p",
        api_key=Secret("a-key-of-its-own"),
        headers={"X-Team": "blue-team-of-ours", "Proxy-Authorization": "Basic bWU6aHVudGVyMg==", "X-Token": "1"},
        proxy="http://me:hunter2%2Fhunter2@proxy.example:8080",
    )
    assert set(config.secrets) == {Secret("a-key-of-its-own"), Secret("bWU6aHVudGVyMg=="), Secret("hunter2/hunter2")}
    assert ProviderConfig(name="p", proxy="http://[").secrets == ()
