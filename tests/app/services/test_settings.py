"""Rows of settings and the check of values, as the command line and the Settings screen share them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from swebench_providers.redaction import MASK
from swebench_tui.services.settings import SettingRow, check_value, setting_rows
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.schema import leaves
from swebench_tui.settings.toml_positions import SettingPath, dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.actions import KeymapProblem

CANARY = "sk-canary-7f3a91-Zq7"


def workspace_in(folder: Path, text: str = "", **environ: str) -> Workspace:
    (folder / "settings.toml").write_text(text)
    return Workspace(environ, config_folder=folder, data_folder=folder / "data")


def rows_of(workspace: Workspace, under: SettingPath = ()) -> dict[str, SettingRow]:
    return {dotted(row.path): row for row in setting_rows(workspace, under) if not row.adds}


def refuse(keymap: Mapping[str, str], action: str, keys: str) -> KeymapProblem | None:
    return KeymapProblem(f"{keymap} {action} {keys}", "hint") if keys == "f1" else None


def test_every_setting_of_every_provider_has_a_row(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    paths = {row.path for row in setting_rows(workspace)}
    for provider in workspace.registry.list_providers():
        assert {leaf.path_for(provider) for leaf in leaves()} <= paths


def test_settings_of_unconfigured_providers_are_hidden(tmp_path: Path) -> None:
    rows = rows_of(workspace_in(tmp_path, "[providers.openai.rate_limits]\nslots = 2\n"))
    assert not rows["providers.openai.protocol"].hidden
    assert [rows[f"providers.gemini.{name}"].hidden for name in ("base_url", "model", "protocol")] == [
        False,
        False,
        True,
    ]


def test_a_key_has_a_row_that_shows_its_origin_only(tmp_path: Path) -> None:
    rows = rows_of(workspace_in(tmp_path, OPENAI_API_KEY=CANARY))
    row = rows["providers.openai.key"]
    assert (row.value, row.text, row.origin.where) == (True, "set", "OPENAI_API_KEY")
    assert "providers.gemini.key" not in rows
    assert CANARY not in repr(rows)


def test_values_are_redacted_and_on_one_line(tmp_path: Path) -> None:
    text = f"""
compare.lineup = ["a:b", "c:d"]
network.proxy = "http://me:{CANARY}@proxy.example"
[providers.openai]
headers = {{ X-Key = "{CANARY}" }}
[[providers.openai.keys]]
label = "work"
place = "file"
host = "https://a"
[[providers.openai.keys]]
label = "home"
place = "keyring"
host = "https://b"
"""
    rows = rows_of(workspace_in(tmp_path, text))
    assert rows["compare.lineup"].text == "a:b, c:d"
    assert rows["network.proxy"].text == f"http://{MASK}@proxy.example"
    assert rows["providers.openai.headers.X-Key"].text == MASK
    assert rows["providers.openai.keys"].text == "work, home"
    assert CANARY not in repr(rows)


def test_rows_can_be_limited_to_one_provider(tmp_path: Path) -> None:
    rows = rows_of(workspace_in(tmp_path, 'editor = "vim"\n'), ("providers", "openai"))
    assert all(name.startswith("providers.openai.") for name in rows)
    assert rows["providers.openai.base_url"].origin.layer is Layer.DEFAULT


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (("providers", "openai", "base_url"), "ftp://a", "http or https"),
        (("compare", "lineup"), "opnai:m", "opnai"),
        (("keymap", "compare.run"), "f1", "compare.run f1"),
        (("providers", "openai", "rate_limits", "slots"), "0", "is 0"),
        (("providers", "opnai", "model"), "m", "unknown provider"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(tmp_path: Path, path: SettingPath, text: str, message: str) -> None:
    workspace = workspace_in(tmp_path)
    with pytest.raises(SettingsError, match=message):
        check_value(workspace, path, text, check_keys=refuse)
    assert workspace.user_file.read_text() == ""


def test_a_valid_value_is_parsed_and_not_written(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    assert check_value(workspace, ("compare", "lineup"), "openai:m, ollama:x", check_keys=refuse) == [
        "openai:m",
        "ollama:x",
    ]
    assert check_value(workspace, ("keymap", "compare.run"), "f5", check_keys=refuse) == "f5"
    assert workspace.user_file.read_text() == ""
