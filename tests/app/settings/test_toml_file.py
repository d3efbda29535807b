"""Changing a settings file: nothing else in it changes, and it is whole whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swebench_tui.settings import atomic_file, toml_file
from swebench_tui.settings.definitions import ProviderSettings, RateLimitSettings, Settings
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import LineIndex, SettingPath
from swebench_tui.settings.workspace import Workspace
from tests.app.settings.documents import settings_documents

FILE = Path("settings.toml")
WRITTEN = """\
# at the top
unknown = [1, 2]  # kept

editor = "vim"  # mine

[providers.openai] # the usual
model = "a"
# about limits
rate_limits = { slots = 2, later = 1 }

# about ollama
[providers.ollama]
base_url = "http://a"

[later.than."this version"]
x = nan
when = 2026-01-01
"""
CHANGES: list[tuple[SettingPath, object]] = [
    (("editor",), "nano"),
    (("appearance", "theme"), "nord"),
    (("providers", "openai", "model"), 'b"\n'),
    (("providers", "openai", "rate_limits", "slots"), 4),
    (("providers", "openai", "rate_limits", "requests_per_minute"), 0.5),
    (("providers", "openai", "keys"), [{"label": "w", "place": "file", "host": "https://a"}]),
    (("providers", "azure", "headers"), {"X.Y": "é", "Z": ""}),
    (("providers", "azure", "time_limits", "idle"), 3),
    (("keymap", "compare.run"), "f5"),
    (("compare", "lineup"), ["a:b"]),
]


def comments(text: str) -> list[str]:
    """Comments on lines of their own."""
    return [line for line in text.splitlines() if line.startswith("#")]


def setup_in(folder: Path) -> Workspace:
    return Workspace({}, config_folder=folder, data_folder=folder)


# What is written is what is read.


@given(values=settings_documents())
@settings(max_examples=60, deadline=None)
def test_any_settings_written_and_read_again_are_equal(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("written")
    workspace = setup_in(folder)
    for provider in values.get("providers", {}).values():
        provider.pop("like", None)  # all of them are there already
    for name, value in values.items():
        workspace.change((name,), value)
    assert (workspace.problems, workspace.settings) == ((), msgspec.convert(values, Settings))
    assert setup_in(folder).settings == workspace.settings


def test_a_struct_is_written_as_a_table(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    workspace.change(("providers", "ollama"), ProviderSettings(model="m", rate_limits=RateLimitSettings(slots=3)))
    assert workspace.settings.providers["ollama"].rate_limits.slots == 3
    assert tomllib.loads(workspace.user_file.read_text()) == {
        "providers": {"ollama": {"model": "m", "rate_limits": {"slots": 3}}}
    }


@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.booleans()), max_size=12))
@settings(max_examples=150, deadline=None)
def test_comments_unknown_keys_and_order_survive_any_changes(
    changes: list[tuple[tuple[SettingPath, object], bool]],
) -> None:
    text, wanted = WRITTEN, tomllib.loads(WRITTEN)
    for (path, value), put in changes:
        text = toml_file.put(FILE, text, path, value) if put else toml_file.take(FILE, text, path)
        table = wanted
        for name in path[:-1]:
            table = table.setdefault(name, {}) if put else table.get(name, {})
        table.update({path[-1]: value}) if put else table.pop(path[-1], None)
        read = tomllib.loads(text)
        assert repr(_without_empty(read)) == repr(_without_empty(wanted))
    assert [comment for comment in comments(text) if comment in comments(WRITTEN)] == comments(WRITTEN)
    assert text.index("unknown = [1, 2]  # kept") < text.index("[providers.openai]") < text.index("[later.than")


def _without_empty(value: object) -> object:
    """Tables sorted by name, without empty ones."""
    if not isinstance(value, dict):
        return value
    inside = {name: _without_empty(value[name]) for name in sorted(value)}
    return {name: each for name, each in inside.items() if each != {}}


def test_a_change_touches_no_other_line() -> None:
    changed = toml_file.put(FILE, WRITTEN, ("providers", "openai", "model"), "b")
    assert changed == WRITTEN.replace('model = "a"', 'model = "b"')
    assert toml_file.take(FILE, WRITTEN, ("editor",)) == WRITTEN.replace('editor = "vim"  # mine\n', "")


def test_removing_a_table_keeps_comments_of_its_neighbours() -> None:
    taken = toml_file.take(FILE, WRITTEN, ("providers", "openai"))
    assert comments(taken) == comments(WRITTEN)
    assert set(tomllib.loads(taken)["providers"]) == {"ollama"}
    assert toml_file.take(FILE, WRITTEN, ("providers", "azure")) == WRITTEN


@pytest.mark.parametrize(
    "text",
    [
        "providers = { openai = { model = 'a' } }",
        "providers.openai.model = 'a'",
        "[providers]\nopenai.model = 'a'",
        "[providers.openai]\n[other]\n[providers.ollama]\nmodel = 'x'",
        "[[providers.openai.keys]]\nlabel = 'a'\nplace = 'file'\nhost = 'https://a'",
        "[providers.openai]\r\nmodel = 'a' # b\r\n",
        "[providers]\n[providers.openai]\n",
    ],
)
@pytest.mark.parametrize(("path", "value"), CHANGES, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_a_change_is_made_whole_or_refused(text: str, path: SettingPath, value: object) -> None:
    try:
        changed = toml_file.put(FILE, text, path, value)
    except SettingsError as error:
        assert "settings edit" in error.hint  # noqa: PT017 - either outcome is right
    else:
        found: Any = tomllib.loads(changed)
        for name in path:
            found = found[name]
        assert found == value


def test_a_value_in_place_of_a_table_is_reported() -> None:
    with pytest.raises(SettingsError, match=r"providers\.openai is not a table"):
        toml_file.put(FILE, "providers.openai = 3", ("providers", "openai", "model"), "x")


# Where a value stands.


def test_lines_are_found_for_every_kind_of_key() -> None:
    text = 'a = """\n[b]\n"""\nb.c = [\n  1, # x\n  2]\n[[d.e]]\nf = 1\n[[d.e]]\nf = { g = 2 }\n[d.e.h]\ni = 1\n'
    line_of = LineIndex(text)
    assert line_of(("a",)) == 1
    assert line_of(("b", "c", 1)) == 4
    assert line_of(("d", "e", 0, "f")) == 8
    assert line_of(("d", "e", 1, "f", "g")) == 10
    assert line_of(("d", "e", 1, "h", "i")) == 12
    assert line_of(("z",)) is None


# Whole whatever happens.


class Crash(BaseException):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync", "replace"])
def test_a_crash_at_any_step_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("old = 1")

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(os, call, crash)
        with pytest.raises(Crash):
            atomic_file.replace(path, "new = 1")
    assert path.read_text() == "old = 1"
    assert [each.name for each in tmp_path.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(("number", "message"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "permission denied")])
def test_an_unwritable_file_is_reported_and_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    workspace = setup_in(tmp_path)
    workspace.change(("editor",), "vim")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SettingsError, match=message) as raised:
        workspace.change(("editor",), "nano")
    assert str(workspace.user_file) in str(raised.value)
    assert workspace.settings.editor == "vim"
    assert workspace.user_file.read_text() == 'editor = "vim"\n'


def test_a_config_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written: not a directory"):
        setup_in(tmp_path / "file" / "config").change(("editor",), "vim")


WRITER = """
import sys
from pathlib import Path
from swebench_tui.settings.workspace import Workspace
folder = Path(sys.argv[1])
workspace = Workspace({}, config_folder=folder, data_folder=folder)
name, times = sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for number in range(times):
    workspace.change(("keymap", f"{name}.{number}"), "x" * 300)
"""


def writer(folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_change_different_keys_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 15) for name in ("a", "b")]
    for each in writers:
        with each:
            assert each.wait(timeout=60) == 0
    workspace = setup_in(tmp_path)
    assert set(workspace.settings.keymap) == {f"{name}.{number}" for name in ("a", "b") for number in range(15)}
    assert workspace.problems == ()


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    for round_ in range(6):
        workspace.change(("editor",), f"vim {round_}")
        with writer(tmp_path, f"r{round_}", 100_000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            before = workspace.user_file.stat().st_ino
            while workspace.user_file.stat().st_ino == before:
                os.sched_yield()
            process.send_signal(signal.SIGKILL)
        workspace.reload()
        assert workspace.problems == ()
        assert workspace.settings.editor == f"vim {round_}"
        assert any(name.startswith(f"r{round_}.") for name in workspace.settings.keymap)
    workspace.change(("editor",), "last")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".settings.toml.lock", "settings.toml"]


def test_a_file_locked_for_too_long_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_file, "_LOCK_TIMEOUT", 0.0)
    workspace = setup_in(tmp_path)
    with (
        atomic_file.locked(workspace.user_file),
        pytest.raises(SettingsError, match="being changed by another process"),
    ):
        workspace.change(("editor",), "vim")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def unsupported(descriptor: int, operation: int) -> None:
        raise OSError(number, f"no locks for {descriptor} {operation}")

    monkeypatch.setattr("fcntl.flock", unsupported)
    setup_in(tmp_path).change(("editor",), "vim")
    assert setup_in(tmp_path).settings.editor == "vim"


def test_a_file_keeps_its_mode_and_starts_private(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path / "new")
    workspace.change(("editor",), "vim")
    assert stat.S_IMODE(workspace.user_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(workspace.user_file.parent.stat().st_mode) == 0o700
    workspace.user_file.chmod(0o640)
    workspace.change(("editor",), "nano")
    assert stat.S_IMODE(workspace.user_file.stat().st_mode) == 0o640


def test_the_line_ends_of_windows_are_kept(tmp_path: Path) -> None:
    workspace = setup_in(tmp_path)
    workspace.user_file.write_bytes(b"# mine\r\n[appearance]\r\n")
    workspace.change(("editor",), "vim")
    workspace.change(("appearance", "theme"), "nord")
    written = workspace.user_file.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n")
    assert workspace.settings.editor == "vim"
    workspace.user_file.write_bytes(b"# one\r\n# other\n")
    workspace.change(("editor",), "vim")
    assert workspace.user_file.read_bytes() == b'# one\r\n# other\neditor = "vim"\n'


def test_a_symbolic_link_is_kept_and_its_target_changed(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mine.toml"
    real.parent.mkdir()
    real.write_text("# mine\n")
    workspace = setup_in(tmp_path)
    workspace.user_file.symlink_to(real)
    workspace.change(("editor",), "vim")
    assert workspace.user_file.is_symlink()
    assert real.read_text() == '# mine\neditor = "vim"\n'


def test_a_change_keeps_what_others_wrote_in_the_meantime(tmp_path: Path) -> None:
    first, second = setup_in(tmp_path), setup_in(tmp_path)
    assert (first.settings, second.settings) == (Settings(), Settings())
    first.change(("editor",), "vim")
    second.change(("appearance", "theme"), "nord")
    assert (second.settings.editor, second.settings.appearance.theme) == ("vim", "nord")


@pytest.mark.parametrize(
    "change",
    [
        lambda workspace: workspace.change(("keymap", "a"), "x" * 3_000),
        lambda workspace: workspace.change(("keymap",), {f"a{number}": "x" * 90 for number in range(1_000)}),
        lambda workspace: workspace.change(("editor",), "\ud800"),
        lambda workspace: workspace.change(("editr",), "vim"),
        lambda workspace: workspace.change(("editor",), 3),
        lambda workspace: workspace.change(("providers", "opnai", "model"), "x"),
        lambda workspace: workspace.change(("compare", "lineup"), ["a:b"] * 5),
    ],
)
def test_an_invalid_value_is_not_written(tmp_path: Path, change: Callable[[Workspace], None]) -> None:
    workspace = setup_in(tmp_path)
    with pytest.raises(SettingsError) as raised:
        change(workspace)
    assert raised.value.hint
    assert not workspace.user_file.exists()
