"""`swebench-tui provider list`: status and key source of every provider, never a key."""

from __future__ import annotations

import msgspec
import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main

CANARY = "sk-canary-0123456789"


def listed(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["provider", "list", *arguments], env=environ)


def rows(environ: dict[str, str]) -> dict[str, dict[str, object]]:
    result = listed(environ, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = msgspec.json.decode(result.stdout, type=list[dict[str, object]])
    return {str(row["name"]): row for row in found}


def test_every_provider_has_one_row_with_the_documented_keys() -> None:
    found = rows({})
    assert list(found) == sorted(found)
    assert {"anthropic", "compatible", "embedded", "llamacpp", "ollama", "openai"} <= set(found)
    documented = {"name", "configured", "key_source", "base_url", "models_known", "breaker"}
    assert all(documented <= set(row) for row in found.values())


def test_without_settings_only_keyless_providers_are_ready() -> None:
    found = rows({})
    assert all(found[name]["configured"] for name in ("embedded", "llamacpp", "ollama"))
    assert not any(found[name]["configured"] for name in ("anthropic", "compatible", "openai"))
    assert (found["openai"]["hint"], found["compatible"]["hint"]) == ("set OPENAI_API_KEY", "set COMPATIBLE_BASE_URL")
    assert (found["embedded"]["base_url"], found["embedded"]["models_known"]) == (None, 1)


def test_a_key_in_the_environment_is_named_by_its_variable() -> None:
    environ = {"OPENAI_API_KEY": CANARY, "ANTHROPIC_AUTH_TOKEN": CANARY, "COMPATIBLE_BASE_URL": ":8000"}
    found = rows(environ)
    assert found["openai"]["key_source"] == "environment: OPENAI_API_KEY"
    assert found["anthropic"]["key_source"] == "environment: ANTHROPIC_AUTH_TOKEN"
    assert found["compatible"]["base_url"] == "http://127.0.0.1:8000/v1"
    assert all(found[name]["configured"] for name in ("openai", "anthropic", "compatible"))
    assert CANARY not in listed(environ, "--json").output + listed(environ).output


def test_each_line_has_the_status_and_the_next_step() -> None:
    result = listed({"ANTHROPIC_API_KEY": CANARY})
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines["openai"].split(maxsplit=1)[1].startswith("no API key")
    assert lines["openai"].endswith("set OPENAI_API_KEY")
    assert lines["anthropic"].endswith(" ready          https://api.anthropic.com (ANTHROPIC_API_KEY)")
    assert "on this machine" in lines["embedded"]
    assert lines["compatible"].endswith("set COMPATIBLE_BASE_URL")
    assert result.stderr == ""


def test_no_line_is_longer_than_80_columns() -> None:
    keys = dict.fromkeys(("GEMINI_API_KEY", "OPENROUTER_API_KEY", "HF_TOKEN"), CANARY)
    lines = listed({**keys, "GOOGLE_CLOUD_PROJECT": "p"}).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert " " * 29 + "(GEMINI_API_KEY)" in lines


def test_google_credentials_make_vertex_ready() -> None:
    found = rows({"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/account.json"})
    assert (found["vertex"]["configured"], found["vertex"]["hint"]) == (True, "")
    assert found["vertex"]["key_source"] == "environment: GOOGLE_APPLICATION_CREDENTIALS"
    without = rows({"GOOGLE_CLOUD_PROJECT": "p", "HOME": "/nowhere"})["vertex"]["hint"]
    assert without == "set GOOGLE_OAUTH_ACCESS_TOKEN, or run: gcloud auth application-default login"


@pytest.mark.parametrize("address", ["ftp://host", f"http://user:{CANARY}@host", "http://host:port"])
def test_an_invalid_address_affects_only_its_own_row(address: str) -> None:
    found = rows({"OLLAMA_HOST": address})
    assert (found["ollama"]["configured"], found["ollama"]["base_url"]) == (False, None)
    assert "invalid base URL" in str(found["ollama"]["hint"])
    assert CANARY not in str(found)
    assert found["llamacpp"]["configured"] is True
