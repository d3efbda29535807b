"""`swebench-tui settings`: output, changes and errors, as text and JSON, and never a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from swebench_tui import paths
from swebench_tui.cli.main import main

CANARY = "sk-canary-7f3a91"
SECRETS = f"""
api_key = "{CANARY}"
network.proxy = "http://me:{CANARY}@proxy.example:1"
[providers.openai]
base_url = "https://me:{CANARY}@a.example/v1?key={CANARY}"
headers = {{ X-Key = "{CANARY}" }}
keys = ["{CANARY}", {{ label = "work", place = "keyring", host = "https://a", key = "{CANARY}" }}]
auth = "{CANARY}"
rate_limits = "{CANARY}"
[providers.ollama]
headers = "{CANARY}"
proxy = ["{CANARY}"]
"""
LOADED = """
import atexit, sys
atexit.register(lambda: sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules}))))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder and a working directory of the test's own."""
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:  # noqa: ARG001 - the folder has to be set first
    path = paths.config() / "settings.toml"
    path.parent.mkdir(parents=True)
    return path


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["settings", *arguments])


def rows(**environment: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in json.loads(run("show", "--json", **environment).stdout)["settings"]}


# show


def test_show_prints_the_origin_of_every_value(file: Path, folder: Path) -> None:
    file.write_text('editor = "vim"\n[keymap]\n"compare.run" = "f5"')
    project = folder / "work" / "swebench-tui.toml"
    project.write_text('providers.openai.model = "m"')
    done = run("show", OPENAI_BASE_URL="http://127.0.0.1:1", OPENAI_API_KEY=CANARY)
    lines = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.stdout.splitlines()}
    assert (done.exit_code, done.stderr) == (0, "")
    assert lines["editor"] == ["vim", f"user file: {file}"]
    assert lines['keymap."compare.run"'] == ["f5", f"user file: {file}"]
    assert lines["providers.openai.model"] == ["m", f"project file: {project}"]
    assert lines["providers.openai.base_url"] == ["http://127.0.0.1:1/v1", "environment: OPENAI_BASE_URL"]
    assert lines["providers.openai.key"] == ["set", "environment: OPENAI_API_KEY"]
    assert lines["providers.openai.time_limits.connect"] == ["10.0", "default"]
    assert lines["providers.ollama.base_url"] == ["http://127.0.0.1:11434", "default"]


def test_show_json_has_the_same_rows_and_the_problems(file: Path) -> None:
    file.write_text("editor = 3\ncompare.lineup = ['a:b']")
    found = json.loads(run("show", "--json").stdout)
    lineup = next(row for row in found["settings"] if row["key"] == "compare.lineup")
    assert lineup == {"key": "compare.lineup", "value": ["a:b"], "layer": "user file", "where": str(file)}
    assert found["problems"] == [{"what": f"{file}, line 1: editor is 3", "hint": "Expected a string.", "line": 1}]


def test_problems_are_printed_beside_the_effective_values(file: Path) -> None:
    file.write_text("editr = 'vim'\nappearance.theme = 'nord'")
    done = run("show")
    assert done.exit_code == 0
    assert done.stderr == f"{file}, line 1: unknown setting 'editr'\n  Did you mean editor?\n"
    assert "appearance.theme" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("show", "--json"),
        ("path",),
        ("edit",),
        ("set", "editor", "vim"),
        ("set", "providers.openai.headers.X-Key", CANARY),
        ("set", "providers.openai.auth", CANARY),
        ("set", "providers.openai.api_key", CANARY),
        ("set", "providers.openai.keys", f'["{CANARY}"]'),
        ("unset", "api_key"),
    ],
    ids=" ".join,
)
def test_no_secret_in_the_file_is_printed(file: Path, arguments: tuple[str, ...]) -> None:
    file.write_text(SECRETS)
    done = run(*arguments, EDITOR="true", OPENAI_API_KEY=CANARY, HTTPS_PROXY=f"http://me:{CANARY}@p:1")
    assert done.output
    assert CANARY not in done.output
    assert isinstance(done.exception, SystemExit | None)


def test_a_file_cannot_move_the_cursor(file: Path) -> None:
    file.write_text('editor = "vi\\u001b[2J"\n"a\\u001b]0;x" = 1\nappearance.theme = "\\u202e"')
    done = run("show")
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert "vi␛[2J" in done.stdout


# path, schema


def test_path_prints_the_files_and_whether_they_exist(file: Path, folder: Path) -> None:
    assert run("path").stdout == (
        f"project file  no swebench-tui.toml in this folder or above it\nuser file     {file}  (does not exist)\n"
    )
    file.write_text("")
    project = folder / "swebench-tui.toml"
    project.write_text("")
    assert run("path").stdout == f"project file  {project}\nuser file     {file}\n"
    assert json.loads(run("path", "--json").stdout) == [
        {"layer": "project file", "path": str(project), "exists": True},
        {"layer": "user file", "path": str(file), "exists": True},
    ]


def test_schema_prints_a_schema_that_validates_files() -> None:
    schema = json.loads(run("schema").stdout)
    assert jsonschema.Draft202012Validator(schema).is_valid({"editor": "vim"})
    assert not jsonschema.Draft202012Validator(schema).is_valid({"editor": 3})


# set, unset


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("appearance.theme", "nord", '[appearance]\ntheme = "nord"\n'),
        ("editor", "code --wait", 'editor = "code --wait"\n'),
        ("providers.openai.rate_limits.slots", "4", "[providers.openai.rate_limits]\nslots = 4\n"),
        ("compare.lineup", "openai:b,ollama:d", '[compare]\nlineup = ["openai:b", "ollama:d"]\n'),
        ("compare.lineup", '["openai:b"]', '[compare]\nlineup = ["openai:b"]\n'),
        ("providers.openai.base_url", "api.example", '[providers.openai]\nbase_url = "api.example"\n'),
        ("keymap.compare.run", "f5", '[keymap]\n"compare.run" = "f5"\n'),
        ("providers.ollama.headers.X-A", "3", '[providers.ollama.headers]\nX-A = "3"\n'),
        ("secrets.keep_in", "file", '[secrets]\nkeep_in = "file"\n'),
    ],
)
def test_set_writes_text_as_the_type_of_the_setting(file: Path, key: str, value: str, written: str) -> None:
    done = run("set", key, value)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Set ")
    assert done.stdout.endswith(f" in {file}.\n")
    assert file.read_text() == written


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("appearance.thme", "x", "Did you mean appearance.theme?"),
        ("providers.openai.modle", "x", "Did you mean providers.openai.model?"),
        ("providers.opnai.model", "x", "Did you mean openai?"),
        ("providers.openai.rate_limits.slots", "0", "Expected an integer from 1 to 1,000."),
        ("providers.openai.rate_limits.slots", "many", "Expected an integer from 1 to 1,000, in TOML syntax."),
        ("secrets.keep_in", "drawer", 'Expected "file" or "keyring".'),
        ("a..b", "x", "Write it as providers.openai.model"),
        ("", "x", "invalid setting name"),
        ("providers", "x", "Expected a table"),
        ("providers.openai.api_key", "x", "Keys do not belong in this file. Run: swebench-tui provider init NAME"),
        ("providers.openai.base_url", "ftp://a", "it is not an http or https address"),
        ("providers.openai.base_url", "http://me:x@a", "it contains credentials"),
        ("compare.lineup", "olama:x", "Did you mean 'ollama'?"),
        ("compare.lineup", ":x", "no provider in"),
        ("keymap.compare.rum", "f5", "Did you mean 'compare.run'?"),
        ("keymap.compare.run", "notakey", "'notakey' is not a key"),
        ("keymap.compare.run", "f1", "both use f1"),
    ],
)
def test_an_invalid_value_is_a_usage_error_and_not_written(file: Path, key: str, value: str, message: str) -> None:
    done = run("set", key, value)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not file.exists()


def test_set_reports_a_value_with_higher_priority() -> None:
    done = run("set", "providers.openai.base_url", "http://a", OPENAI_BASE_URL="http://b")
    assert (done.exit_code, done.stderr) == (0, "Another value has priority: environment: OPENAI_BASE_URL\n")


def test_a_misplaced_key_is_not_printed(file: Path) -> None:
    file.write_text(f'[providers.openai]\nmodel = "{CANARY}-0123456789"\nkey_command = "echo {CANARY}-0123456789"\n')
    for arguments in ((), ("--json",)):
        done = run("show", *arguments)
        assert (done.exit_code, CANARY in done.output) == (0, False)


def test_a_loop_of_symbolic_links_is_reported(file: Path) -> None:
    file.symlink_to(file.name)
    for arguments in (("set", "editor", "vim"), ("unset", "editor"), ("edit",)):
        done = run(*arguments, EDITOR="true")
        assert (done.exit_code, type(done.exception)) == (1, SystemExit)
        assert f"{file} cannot be read: too many levels of symbolic links" in done.stderr
    assert file.is_symlink()
    assert "(cannot be accessed: too many levels of symbolic links)" in run("path").stdout


def test_a_broken_file_is_not_overwritten(file: Path) -> None:
    file.write_text("not toml")
    for arguments in (("set", "editor", "vim"), ("unset", "editor")):
        done = run(*arguments)
        assert done.exit_code == 1
        assert f"{file}, line 1: " in done.stderr
    assert file.read_text() == "not toml"


def test_unset_removes_settings_and_misspelled_keys(file: Path) -> None:
    file.write_text('# mine\neditor = "vim"\neditr = "vim"\n')
    assert run("unset", "editr").exit_code == 0
    assert run("unset", "editor").stdout == f"Removed editor from {file}.\n"
    assert file.read_text() == "# mine\n"
    again = run("unset", "editor")
    assert (again.exit_code, again.stdout) == (0, f"editor was not set in {file}.\n")
    assert run("unset", "editr").exit_code == 2


# edit


def editor(folder: Path, script: str) -> str:
    """An editor that is a script; the file's path is its last argument."""
    path = folder / "my editor.py"
    path.write_text(f"import sys, pathlib\nfile = pathlib.Path(sys.argv[-1])\n{script}\n")
    return f"{sys.executable} '{path}' --wait"


def test_edit_creates_a_file_that_describes_every_setting(file: Path) -> None:
    done = run("edit", EDITOR="true")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{file} is valid.\n", "")
    assert '\n#theme = "nord"\n' in file.read_text()


def test_edit_reports_line_and_key_of_each_problem(file: Path, folder: Path) -> None:
    file.write_text("# mine\n")
    done = run("edit", EDITOR=editor(folder, "file.write_text(file.read_text() + 'editr = 1\\neditor = 2\\n')"))
    assert done.exit_code == 1
    assert f"{file}, line 2: unknown setting 'editr'" in done.stderr
    assert f"{file}, line 3: editor is 2" in done.stderr
    assert file.read_text().startswith("# mine\n")


def test_the_editor_is_the_setting_then_visual_then_editor(file: Path, folder: Path) -> None:
    visual, other = editor(folder, "file.write_text('# by visual')"), "false"
    assert run("edit", VISUAL=visual, EDITOR=other).exit_code == 0
    assert file.read_text() == "# by visual"
    file.write_text("editor = 'true'")
    assert run("edit", VISUAL="false", EDITOR="false").exit_code == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("false", "the editor 'false' exited with status 1"),
        ("/nowhere/vim", "the editor '/nowhere/vim' cannot be started: No such file or directory"),
        ("vim 'x", "cannot be parsed: No closing quotation"),
    ],
)
def test_a_failing_editor_is_reported(file: Path, command: str, message: str) -> None:
    done = run("edit", EDITOR=command)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "is in order" not in done.stdout
    assert file.parent.exists()


def test_a_missing_editor_is_reported(folder: Path) -> None:
    done = run("edit", PATH=str(folder))
    assert (done.exit_code, done.stderr.splitlines()[0]) == (1, "Error: no editor found")


# The program.


@pytest.mark.parametrize("arguments", [("show",), ("path",), ("schema",)], ids=" ".join)
def test_reading_settings_imports_no_writer_and_no_screen(arguments: tuple[str, ...]) -> None:
    script = f"{LOADED}from swebench_tui.cli.main import main\nmain(['settings', *sys.argv[1:]])"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout
    assert (
        set(done.stderr.split()) & {"tomlkit", "tomli_w", "filelock", "keyring", "textual", "httpx", "aiohttp", "rich"}
        == set()
    )


def test_a_workspace_imports_nothing_heavy_and_reads_nothing(folder: Path) -> None:
    script = f"""{LOADED}
from pathlib import Path
from swebench_tui.settings.workspace import Workspace
workspace = Workspace(config_folder=Path(sys.argv[1]), data_folder=Path(sys.argv[1]))
assert workspace.settings.editor == "" and not workspace.problems
"""
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    assert (
        set(done.stderr.split())
        & {"tomlkit", "tomli_w", "filelock", "keyring", "textual", "httpx", "jsonschema", "urllib.request"}
        == set()
    )
    assert os.listdir(folder) == ["work"]  # noqa: PTH208 - the names alone


def test_a_deleted_working_directory_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run("path").exit_code == 0
    monkeypatch.chdir(folder)
