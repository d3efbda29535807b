"""`providers.toml`, which the program writes, beside `settings.toml`, which the user edits."""

from __future__ import annotations

import stat
import threading
import tomllib
from pathlib import Path

import pytest

from swebench_providers import Secret
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.workspace import Workspace
from tests.app.settings.memory_workspace import MemoryStore

URL = "http://127.0.0.1:9000/v1"
MODEL = ("providers", "mine", "model")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace({}, config_folder=tmp_path / "config", data_folder=tmp_path / "data", keyring=MemoryStore())


def providers_in(file: Path) -> object:
    return tomllib.loads(file.read_text()).get("providers", {}) if file.exists() else {}


def test_an_added_provider_leaves_settings_toml_alone(workspace: Workspace) -> None:
    workspace.providers.add("mine", like="compatible", base_url=URL)
    workspace.change(MODEL, "m")
    workspace.keys.add("mine", Secret("k"), label="work")
    assert not workspace.user_file.exists()
    assert providers_in(workspace.providers_file) == {
        "mine": {
            "like": "compatible",
            "base_url": URL,
            "model": "m",
            "keys": [{"label": "work", "place": "keyring", "host": "http://127.0.0.1:9000"}],
        }
    }
    assert stat.S_IMODE(workspace.providers_file.stat().st_mode) == 0o600


def test_settings_toml_overrides_the_written_provider(workspace: Workspace) -> None:
    workspace.providers.add("mine", like="compatible", base_url=URL)
    workspace.change(MODEL, "written")
    workspace.user_file.write_text('# mine\nproviders.mine.model = "edited"  # by hand\n')
    workspace.reload()
    assert workspace.effective(MODEL).value == "edited"
    assert workspace.origin(MODEL).where == str(workspace.user_file)
    assert workspace.origin(("providers", "mine", "base_url")).where == str(workspace.providers_file)
    workspace.change(MODEL, "changed")
    assert workspace.user_file.read_text() == '# mine\nproviders.mine.model = "changed"  # by hand\n'
    workspace.unset(MODEL)
    assert workspace.effective(MODEL).value == "written"
    workspace.unset(MODEL)
    assert not workspace.in_user_file(MODEL)


def test_a_provider_in_settings_toml_stays_there(workspace: Workspace) -> None:
    workspace.user_file.parent.mkdir()
    workspace.user_file.write_text(f'[providers.mine]\nlike = "compatible"  # by hand\nbase_url = "{URL}"\n')
    workspace.providers.add("other", like="compatible", base_url=URL)
    workspace.change(MODEL, "m")
    assert "# by hand" in workspace.user_file.read_text()
    assert workspace.in_user_file(MODEL)
    assert set(providers_in(workspace.providers_file)) == {"other"}  # type: ignore[call-overload]


def test_removal_covers_both_files(workspace: Workspace) -> None:
    workspace.providers.add("mine", like="compatible", base_url=URL)
    workspace.providers.add("other", like="compatible", base_url=URL)
    workspace.user_file.write_text('editor = "vim"\n[providers.mine]\nmodel = "m"\n')
    workspace.reload()
    workspace.providers.remove("mine")
    assert (set(workspace.settings.providers), workspace.problems) == ({"other"}, ())
    assert workspace.user_file.read_text() == 'editor = "vim"\n'
    workspace.providers.remove("other")
    assert providers_in(workspace.providers_file) == {}


def test_general_settings_never_go_into_providers_toml(workspace: Workspace) -> None:
    workspace.providers.add("mine", like="compatible", base_url=URL)
    workspace.change(("editor",), "vim")
    workspace.change(("providers", "openai", "model"), "m")
    assert tomllib.loads(workspace.user_file.read_text()) == {"editor": "vim", "providers": {"openai": {"model": "m"}}}


@pytest.mark.parametrize("text", ["[providers", "providers = 3", 'providers.mine = "x"'])
def test_a_broken_providers_toml_is_reported(workspace: Workspace, text: str) -> None:
    workspace.providers_file.parent.mkdir()
    workspace.providers_file.write_text(text)
    assert any(str(workspace.providers_file) in str(problem) for problem in workspace.problems)
    assert workspace.settings.providers == {}


def test_an_unreadable_providers_toml_is_not_overwritten(workspace: Workspace) -> None:
    workspace.providers_file.parent.mkdir()
    workspace.providers_file.write_text("[providers")
    with pytest.raises(SettingsError, match=r"providers\.toml"):
        workspace.providers.add("mine", like="compatible", base_url=URL)
    assert workspace.providers_file.read_text() == "[providers"


def test_providers_added_by_several_threads_are_all_kept(workspace: Workspace) -> None:
    def add(number: int) -> None:
        workspace.providers.add(f"box{number}", like="compatible", base_url=URL)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(workspace.settings.providers) == {f"box{number}" for number in range(8)}
