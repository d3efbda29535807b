"""Precedence and origins of values; a broken or hostile file keeps nothing from starting."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.request import getproxies_environment

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.settings.definitions import USER_ONLY, Settings
from swebench_tui.settings.effective import defined_default, proxy_variable
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.layers import PROJECT_FILE, Layer, Origin
from swebench_tui.settings.schema import NAME, Leaf, leaves, toml
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.user_files import USER_FILE
from swebench_tui.settings.workspace import Workspace

MODEL = ("providers", "openai", "model")
ADDRESS = ("providers", "openai", "base_url")
KEY = ("providers", "openai", "key")
CANARY = "sk-canary-7f3a91"


class Files:
    """The two files, and workspaces that read them."""

    def __init__(self, folder: Path) -> None:
        self.user = folder / "config" / USER_FILE
        self.project = folder / "project" / PROJECT_FILE
        self.inside = self.project.parent / "src" / "deep"
        self.inside.mkdir(parents=True)
        self.user.parent.mkdir()
        self.data = folder / "data"

    def workspace(
        self,
        *,
        user: str = "",
        project: str | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[SettingPath, object] | None = None,
    ) -> Workspace:
        self.user.write_text(user, "utf-8")
        if project is not None:
            self.project.write_text(project, "utf-8")
        return Workspace(
            environ or {},
            config_folder=self.user.parent,
            data_folder=self.data,
            project_folder=self.inside,
            overrides=overrides,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def model(name: str) -> str:
    return f'providers.openai.model = "{name}"\n'


# Precedence, each layer against the next.


def test_the_command_line_overrides_the_environment(files: Files) -> None:
    workspace = files.workspace(environ={"OPENAI_BASE_URL": "http://b"}, overrides={ADDRESS: "http://a"})
    assert workspace.effective(ADDRESS).value == "http://a"
    assert workspace.origin(ADDRESS) == Origin(Layer.COMMAND_LINE)


def test_the_environment_overrides_the_project_file(files: Files) -> None:
    workspace = files.workspace(
        environ={"OPENAI_BASE_URL": "http://b"}, project='providers.openai.base_url = "http://c"'
    )
    assert workspace.effective(ADDRESS).value == "http://b/v1"
    assert workspace.origin(ADDRESS) == Origin(Layer.ENVIRONMENT, "OPENAI_BASE_URL")


def test_the_project_file_overrides_the_user_file(files: Files) -> None:
    workspace = files.workspace(project=model("c"), user=model("d"))
    assert workspace.settings.providers["openai"].model == "c"
    assert workspace.origin(MODEL) == Origin(Layer.PROJECT_FILE, str(files.project))


def test_the_user_file_overrides_the_keyring(files: Files) -> None:
    keys = '[[providers.openai.keys]]\nlabel = "work"\nplace = "keyring"\nhost = "https://api.openai.com"\n'
    assert files.workspace(user=keys).origin(KEY) == Origin(Layer.KEYRING, "work (in the keyring)")
    command = files.workspace(user="[providers.openai]\nkey_command = 'pass x'\n" + keys)
    assert command.origin(KEY) == Origin(Layer.USER_FILE, str(files.user))


def test_a_key_in_the_environment_overrides_the_user_file(files: Files) -> None:
    workspace = files.workspace(environ={"OPENAI_API_KEY": CANARY}, user="providers.openai.key_command = 'pass x'")
    assert workspace.effective(KEY).value is True
    assert workspace.origin(KEY) == Origin(Layer.ENVIRONMENT, "OPENAI_API_KEY")


def test_the_user_file_overrides_the_default(files: Files) -> None:
    assert files.workspace(user=model("d")).origin(MODEL) == Origin(Layer.USER_FILE, str(files.user))
    workspace = files.workspace()
    assert workspace.origin(MODEL) == Origin(Layer.DEFAULT)
    assert workspace.effective(MODEL).value == workspace.registry.spec("openai").default_model


def test_the_command_line_overrides_both_files(files: Files) -> None:
    workspace = files.workspace(project=model("c"), user=model("d"), overrides={MODEL: "a"})
    assert workspace.settings.providers["openai"].model == "a"
    assert workspace.origin(MODEL) == Origin(Layer.COMMAND_LINE)


def test_settings_override_variables_that_all_programs_share(files: Files) -> None:
    environ = {"HTTPS_PROXY": "http://of-all:1", "VISUAL": "ed"}
    workspace = files.workspace(user='editor = "vim"\nnetwork.proxy = "http://own:1"', environ=environ)
    assert (workspace.effective(("editor",)).value, workspace.effective(("network", "proxy")).value) == (
        "vim",
        "http://own:1",
    )
    unset = files.workspace(environ=environ)
    assert unset.origin(("editor",)) == Origin(Layer.ENVIRONMENT, "VISUAL")
    assert unset.origin(("network", "proxy")) == Origin(Layer.ENVIRONMENT, "HTTPS_PROXY")
    assert unset.settings.network.proxy is None  # the transport reads the variable, and who is exempt from it


def test_an_address_made_of_variables_names_all_of_them(files: Files) -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "eu"}
    origin = files.workspace(environ=environ).origin(("providers", "vertex", "base_url"))
    assert origin.layer is Layer.ENVIRONMENT
    assert set(origin.where.split(", ")) <= set(environ)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(
    st.dictionaries(
        st.sampled_from(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY"]),
        st.sampled_from(["", "http://a:1", "http://b:2"]),
    )
)
def test_proxies_are_those_that_the_transport_finds(environ: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        found = getproxies_environment()
    wanted = found.get("https") or found.get("all") or found.get("http")
    assert (proxy_variable(environ) or ("", None))[1] == wanted


# Merging.


def test_tables_are_merged_and_arrays_replaced(files: Files) -> None:
    workspace = files.workspace(
        user='keymap = {a = "1", b = "1"}\ncompare.lineup = ["a:a", "b:b"]\nproviders.openai.rate_limits.slots = 2',
        project='keymap = {b = "2"}\ncompare.lineup = ["c:c"]\nproviders.openai.rate_limits.requests_per_minute = 3',
    )
    assert workspace.settings.keymap == {"a": "1", "b": "2"}
    assert workspace.settings.compare.lineup == ("c:c",)
    limits = workspace.settings.providers["openai"].rate_limits
    assert (limits.slots, limits.requests_per_minute) == (2, 3)
    assert workspace.origin(("keymap", "a")).layer is Layer.USER_FILE
    assert workspace.origin(("keymap", "b")).layer is Layer.PROJECT_FILE


def test_only_the_nearest_project_file_is_read(files: Files) -> None:
    workspace = files.workspace(project=model("far") + 'appearance.theme = "far"')
    (files.inside / PROJECT_FILE).write_text(model("near"))
    assert workspace.settings.providers["openai"].model == "near"
    assert workspace.settings.appearance.theme == ""
    assert workspace.project_file == files.inside / PROJECT_FILE


def test_nothing_is_read_before_it_is_needed(files: Files) -> None:
    workspace = files.workspace(user="not toml")
    files.user.write_text(model("later"))
    assert workspace.settings.providers["openai"].model == "later"
    files.user.write_text(model("latest"))
    assert workspace.settings.providers["openai"].model == "later"
    workspace.reload()
    assert workspace.settings.providers["openai"].model == "latest"


# A project's file is somebody else's.


@pytest.mark.parametrize("leaf", [leaf for leaf in leaves() if leaf.user_only], ids=lambda leaf: ".".join(leaf.path))
def test_a_project_file_cannot_set_user_only_settings(files: Files, leaf: Leaf) -> None:
    real = tuple("openai" if part == NAME else part for part in leaf.path)
    line = f"{'.'.join(real)} = {toml(leaf.example)}"
    workspace = files.workspace(project=f"{line}\nappearance.theme = 'nord'")
    assert workspace.settings == Settings(
        appearance=workspace.settings.appearance, providers=workspace.settings.providers
    )
    assert workspace.settings.appearance.theme == "nord"
    assert workspace.origin(real).layer is not Layer.PROJECT_FILE
    (problem,) = workspace.problems
    assert f"{files.project}, line 1: " in str(problem)
    assert "cannot be set in a project file" in str(problem)
    assert files.workspace(user=line, project="").problems == ()


def test_every_user_only_field_exists() -> None:
    assert {name for leaf in leaves() for name in leaf.path} >= USER_ONLY


def test_names_chosen_by_the_user_are_no_fields(files: Files) -> None:
    """A keymap's action called `headers` is not the headers of a provider."""
    workspace = files.workspace(project='keymap = {headers = "f1", editor = "f2"}')
    assert (workspace.problems, set(workspace.settings.keymap)) == ((), {"headers", "editor"})


# Custom providers.


def test_a_custom_provider_may_be_split_over_two_files(files: Files) -> None:
    workspace = files.workspace(user='providers.mine.like = "compatible"', project='providers.mine.model = "m"')
    assert (workspace.problems, workspace.settings.providers["mine"].model) == ((), "m")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ('providers.opnai.model = "x"', "providers.opnai: unknown provider", "Did you mean openai?"),
        ('providers.mine.like = "opnai"', "providers.mine.like names an unknown provider", "Did you mean openai?"),
        ('providers.openai.like = "ollama"', "providers.openai.like has no effect", "Remove it"),
        ('providers."My One".like = "ollama"', 'providers."My One" is not a valid provider name', "lowercase letters"),
    ],
)
def test_an_invalid_provider_is_reported_and_ignored(files: Files, text: str, what: str, hint: str) -> None:
    workspace = files.workspace(user=f"\n{text}\n{model('kept')}")
    (problem,) = workspace.problems
    assert str(problem).startswith(f"{files.user}, line 2: {what}")
    assert hint in problem.hint
    assert set(workspace.settings.providers) == {"openai"}
    assert workspace.settings.providers["openai"].model == "kept"


def test_a_custom_provider_is_removed_with_all_its_settings(files: Files) -> None:
    workspace = files.workspace(user=f"# mine\n{model('kept')}")
    workspace.providers.add("mine", like="compatible", base_url="http://127.0.0.1:9")
    workspace.change(("providers", "mine", "rate_limits", "slots"), 2)
    assert workspace.settings.providers["mine"].base_url == "http://127.0.0.1:9"
    workspace.providers.remove("mine")
    assert set(workspace.settings.providers) == {"openai"}
    assert files.user.read_text().rstrip() == f"# mine\n{model('kept')}".rstrip()


@pytest.mark.parametrize(
    ("name", "like", "base_url", "what"),
    [
        ("openai", "compatible", "http://a", "provider 'openai' already exists"),
        ("a:b", "compatible", "http://a", "is not a valid provider name"),
        ("mine", "nobody", "http://a", "unknown provider 'nobody'"),
        ("mine", "compatible", "ftp://a", "not an http or https address"),
    ],
)
def test_an_invalid_custom_provider_is_not_added(files: Files, name: str, like: str, base_url: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        files.workspace().providers.add(name, like=like, base_url=base_url)
    assert files.user.read_text() == ""


def test_a_custom_name_cannot_be_added_twice(files: Files) -> None:
    workspace = files.workspace()
    workspace.providers.add("mine", like="compatible", base_url="http://a")
    with pytest.raises(SettingsError, match="'mine' already"):
        workspace.providers.add("mine", like="ollama", base_url="http://b")


# Broken files.


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"model = ", ", line 1: invalid value"),
        (b"a = 1\na = 2", ", line 2: cannot overwrite a value"),
        (b"[a]\n[a.b]\n[a.b]", ", line 3: cannot declare [a.b] twice"),
        (b"\n\xff\xfe", ", line 2: not valid UTF-8"),
        (b"\x00\x01\x02", "line 1"),
        (b"a = 1\n" * 100_000, "larger than 65,536 bytes"),
        (b"a" + b".a" * 10_000 + b" = 1", "longer than 2,000 characters"),
        (b"a = " + b"[" * 1_900, "not valid TOML"),
        (b"a = 2020-13-99", ", line 1"),
        (b"a" + b".a" * 900 + b" = 1", "line 1: unknown setting 'a'"),
        (b"editor = " + b"[" * 400 + b"]" * 400, "line 1: editor is an array"),
    ],
    ids=[
        "cut off",
        "twice",
        "table twice",
        "not valid UTF-8",
        "binary",
        "huge",
        "long line",
        "deep",
        "no date",
        "long name",
        "deep array",
    ],
)
def test_an_unreadable_file_is_a_problem_and_ignored(files: Files, content: bytes, what: str) -> None:
    workspace = files.workspace(project=model("project"))
    files.user.write_bytes(content)
    (problem,) = workspace.problems
    assert str(files.user) in str(problem)
    assert what.lower() in str(problem).lower()
    assert problem.hint
    assert workspace.settings.providers["openai"].model == "project"
    with pytest.raises(SettingsError):
        workspace.change(MODEL, "x")
    assert files.user.read_bytes() == content


def test_a_folder_or_pipe_is_reported_without_blocking(files: Files) -> None:
    files.workspace(project="").project_file  # noqa: B018 - to have the files written
    files.user.unlink()
    files.user.mkdir()
    files.project.unlink()
    os.mkfifo(files.project)
    workspace = Workspace({}, config_folder=files.user.parent, data_folder=files.data, project_folder=files.inside)
    assert [str(problem) for problem in workspace.problems] == [
        f"{files.project} is not a regular file",
        f"{files.user} is not a regular file",
    ]


def test_byte_order_marks_and_windows_line_ends_are_read(files: Files) -> None:
    files.user.write_bytes(b"\xef\xbb\xbf[providers.openai]\r\nmodel = 'x'\r\n")
    workspace = Workspace({}, config_folder=files.user.parent, data_folder=files.data)
    assert (workspace.problems, workspace.settings.providers["openai"].model) == ((), "x")


def test_without_a_home_folder_defaults_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace({}, config_folder=Path("~/.config/swebench-tui"), data_folder=Path("~/.local"))
    assert (workspace.settings, workspace.problems) == (Settings(), ())
    with pytest.raises(SettingsError, match="the home folder is unknown"):
        workspace.change(MODEL, "x")
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_content_gives_settings(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / USER_FILE).write_bytes(content)
    workspace = Workspace({}, config_folder=folder, data_folder=folder)
    assert isinstance(workspace.settings, Settings)


def test_an_invalid_override_is_refused(files: Files) -> None:
    with pytest.raises(SettingsError, match=r"slots is 0"):
        files.workspace(overrides={("providers", "openai", "rate_limits", "slots"): 0})


# Threads.


def test_concurrent_changes_from_threads_are_all_kept(files: Files) -> None:
    workspace = files.workspace()
    threads = [
        threading.Thread(target=workspace.change, args=(("keymap", f"action.{number}"), f"f{number}"))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.settings.keymap == {f"action.{number}": f"f{number}" for number in range(12)}


class Batch(msgspec.Struct, frozen=True):
    concurrency: int = 8
    name: str = ""
    strict: bool = False


class Extended(msgspec.Struct, frozen=True):
    batch: Batch = Batch()


def test_a_default_of_the_definitions_is_effective() -> None:
    paths = (("batch", "concurrency"), ("batch", "name"), ("batch", "strict"), ("batch", "other"), ("batch",))
    assert [defined_default(path, Extended()) for path in paths] == [8, None, False, None, None]
    assert defined_default(("providers", "openai", "time_limits", "idle")) is None
