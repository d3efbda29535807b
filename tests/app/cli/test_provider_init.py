"""`provider init` and `remove`: prompts, storage, and never a key on screen or among arguments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.app.cli.test_main import Terminal
from tests.fault_server import FaultServerThread, Script, failing

CANARY = "sk-canary-7f3a91-Zq7"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def server() -> object:
    with FaultServerThread(Script("OK")) as thread:
        yield thread


def settings(tmp_path: Path) -> str:
    path = tmp_path / "config" / "swebench-tui" / "settings.toml"
    return path.read_text() if path.exists() else ""


def run(*arguments: str, stdin: str = "", **environ: str) -> Result:
    done = CliRunner(env=environ).invoke(main, ["provider", *arguments], input=stdin)
    assert CANARY not in done.output
    return done


def init(*arguments: str, stdin: str = f"{CANARY}\n", **environ: str) -> Result:
    return run("init", *arguments, "--api-key-stdin", "--keep-in", "file", "--yes", stdin=stdin, **environ)


def sent_authorization(server: FaultServerThread) -> str | None:
    return server.server.requests[-1].headers.get("authorization")


def test_without_a_terminal_it_names_the_required_options() -> None:
    done = run("init", "openai")
    assert done.exit_code == 2
    assert all(flag in done.stderr for flag in ("--api-key-stdin", "--from-env", "--base-url", "--model"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("openai", CANARY),
        (CANARY,),
        ("openai", f"--api-key={CANARY}"),
        ("openai", "--api-key", CANARY),
        ("openai", f"--key={CANARY}"),
        ("openai", "--token", "whatever"),
        ("openai", "--label", CANARY),
        ("openai", f"--model={CANARY}"),
        ("openai", "0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_key_among_the_arguments_is_refused_without_being_shown(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run("init", *arguments)
    assert done.exit_code == 2
    assert "never passed as arguments" in " ".join(done.stderr.split())
    assert not any(argument in done.output for argument in arguments if argument.startswith(("sk-", "0123")))
    assert settings(tmp_path) == ""


def test_a_key_from_standard_input_is_stored_and_tested(tmp_path: Path, server: FaultServerThread) -> None:
    done = init("compatible", "--base-url", server.base_url, "--model", "m", "--label", "work")
    assert done.exit_code == 0, done.output
    assert f"key 'work' stored in the file, for {server.base_url} only" in done.stdout
    assert "compatible: m responded" in done.stdout
    assert sent_authorization(server) == f"Bearer {CANARY}"
    assert CANARY not in settings(tmp_path)
    assert "(file: work)" in " ".join(run("list").stdout.split())


def test_input_is_kept_when_the_provider_does_not_respond(tmp_path: Path, server: FaultServerThread) -> None:
    server.server.default = failing(401, f"no such key {CANARY}")
    done = init("compatible", "--base-url", server.base_url, "--model", "m")
    assert (done.exit_code, "its test failed: bad key" in done.stderr) == (1, True)
    assert 'label = "default"' in settings(tmp_path)
    assert "(file: default)" in done.stderr


def test_no_test_sends_nothing(server: FaultServerThread) -> None:
    assert init("compatible", "--base-url", server.base_url, "--no-test").exit_code == 0
    assert server.server.requests == []


def test_json_is_one_object_without_the_key(server: FaultServerThread) -> None:
    done = init("compatible", "--base-url", server.base_url, "--model", "m", "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["provider"], report["model"]) == (0, "compatible", "m")
    assert report["key"] == {"label": "default", "place": "file", "host": server.base_url}
    assert report["test"]["verdict"] == "fine"


def test_without_a_keyring_a_file_needs_consent(tmp_path: Path) -> None:
    for flags in (("--keep-in", "file"), ()):
        done = run("init", "openai", "--api-key-stdin", *flags, "--no-test", stdin=f"{CANARY}\n")
        assert done.exit_code == 1
        assert "key_command" in done.stderr
    assert not (tmp_path / "data" / "swebench-tui" / "secrets").exists()
    assert "keys" not in settings(tmp_path)


def test_the_environments_key_is_stored_for_its_own_address_only(tmp_path: Path) -> None:
    flags = ("--from-env", "--keep-in", "file", "--yes", "--no-test")
    assert run("init", "openai", *flags, OPENAI_API_KEY=CANARY).exit_code == 0
    assert 'host = "https://api.openai.com"' in settings(tmp_path)
    assert run("init", "anthropic", *flags).exit_code == 1
    other = run("init", "anthropic", *flags, "--base-url", "https://other.example", ANTHROPIC_API_KEY=CANARY)
    assert (other.exit_code, "no key of anthropic for the configured address" in other.stderr) == (1, True)


def test_a_suspicious_key_is_stored_only_with_yes(tmp_path: Path) -> None:
    flags = ("init", "openai", "--api-key-stdin", "--keep-in", "file", "--no-test")
    done = run(*flags, stdin=f"sk-ant-{CANARY}\n")
    assert (done.exit_code, "a key of Anthropic, not of openai" in done.stderr) == (1, True)
    assert settings(tmp_path) == ""
    done = init("openai", "--no-test", stdin=f"sk-ant-{CANARY}\n")
    assert done.exit_code == 0, done.output


def test_a_key_that_no_request_can_carry_is_always_refused(tmp_path: Path) -> None:
    for key in ("", "sk-proj-абвгдежз", "sk-proj-abcdef\nsk-proj-abcdef"):
        assert init("openai", "--no-test", stdin=key).exit_code == 1
    assert settings(tmp_path) == ""


def test_quotes_around_a_key_are_removed_with_consent(server: FaultServerThread) -> None:
    done = init("compatible", "--base-url", server.base_url, "--model", "m", stdin=f'export KEY="{CANARY}"\n')
    assert (done.exit_code, sent_authorization(server)) == (0, f"Bearer {CANARY}"), done.output


def test_a_custom_provider_can_be_added_and_removed(tmp_path: Path, server: FaultServerThread) -> None:
    done = init("mybox", "--like", "compatible", "--base-url", server.base_url, "--model", "m")
    assert (done.exit_code, sent_authorization(server)) == (0, f"Bearer {CANARY}"), done.output
    assert run("test", "mybox").exit_code == 0
    assert "mybox" in run("list").stdout
    removed = run("remove", "mybox", "--yes")
    assert removed.exit_code == 0
    assert "mybox" not in run("list").stdout
    assert CANARY not in (tmp_path / "data" / "swebench-tui" / "secrets" / "keys.json").read_text()


def test_a_taken_or_unknown_provider_name_is_reported() -> None:
    assert "already" in run("init", "openai", "--like", "compatible", "--base-url", ":1", "--no-test").stderr
    assert "Did you mean 'openai'?" in run("init", "opnai", "--model", "m").stderr
    assert run("init", "mybox", "--like", "compatible", "--model", "m").exit_code == 2


def test_remove_takes_one_key_or_all_and_asks_first(tmp_path: Path) -> None:
    for label in ("work", "home"):
        init("openai", "--label", label, "--no-test")
    assert run("remove", "openai").exit_code == 2
    assert run("remove", "openai", "--label", "work", "--yes").stdout == "Removed key 'work' of openai\n"
    assert ("work" in settings(tmp_path), "home" in settings(tmp_path)) == (False, True)
    assert "no stored key 'work'" in run("remove", "openai", "--label", "work", "--yes").stderr
    assert run("remove", "openai", "--yes").exit_code == 0
    assert "openai has no settings" in run("remove", "openai", "--yes").stderr
    assert "never passed as arguments" in run("remove", CANARY, "--yes").stderr


def test_every_command_that_sends_requests_uses_the_stored_key(server: FaultServerThread) -> None:
    init("compatible", "--base-url", server.base_url, "--model", "m", "--no-test")
    for command in (
        ("provider", "models", "compatible"),
        ("models", "--provider", "compatible"),
        ("compare", "-t", "compatible:m", "--prompt", "Why?"),
        ("doctor", "--ask", "compatible"),
    ):
        server.server.requests.clear()
        done = CliRunner().invoke(main, list(command))
        assert (done.exit_code, sent_authorization(server)) == (0, f"Bearer {CANARY}"), done.output


def test_a_stored_key_is_not_sent_to_another_base_url(server: FaultServerThread) -> None:
    init("compatible", "--base-url", "http://127.0.0.1:9", "--model", "m", "--no-test")
    CliRunner().invoke(main, ["compare", "-t", "compatible:m", "--prompt", "Why?", "--base-url", server.base_url])
    assert sent_authorization(server) is None


def test_a_key_with_lower_priority_is_tested_all_the_same(server: FaultServerThread) -> None:
    done = init("compatible", "--base-url", server.base_url, "--model", "m", COMPATIBLE_API_KEY="another-key")
    assert (done.exit_code, sent_authorization(server)) == (0, f"Bearer {CANARY}")
    assert "has priority (environment: COMPATIBLE_API_KEY)" in done.stdout


def test_broken_settings_keep_a_comparison_from_starting(tmp_path: Path, server: FaultServerThread) -> None:
    folder = tmp_path / "config" / "swebench-tui"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("[providers")
    done = CliRunner().invoke(main, ["compare", "-t", "compatible:m", "--prompt", "x", "--base-url", server.base_url])
    assert (done.exit_code, "settings.toml" in done.stderr, server.server.requests) == (1, True, [])
    assert run("list").exit_code == 0


def test_a_terminal_prompt_hides_the_key_and_confirms_plain_text(tmp_path: Path, server: FaultServerThread) -> None:
    arguments = ("provider", "init", "openai", "--model", "m", "--base-url", server.base_url)
    with Terminal(*arguments) as terminal:
        terminal.read_until(b"API key of openai (hidden):")
        terminal.press(f"sk-ant-{CANARY}\r".encode())
        terminal.read_until(b"not of openai.")
        terminal.read_until(b"Use it anyway? [y/N]:")
        terminal.press(b"\r")
        terminal.read_until(b"API key of openai (hidden):", again=True)
        terminal.press(f'"{CANARY}"\r'.encode())
        terminal.read_until(b"Use the corrected key? [Y/n]:")
        terminal.press(b"\r")
        terminal.read_until(b"The system keyring cannot be used")
        terminal.read_until(b"[y/N]:", again=True)
        terminal.press(b"y\r")
        terminal.read_until(b"openai: m responded")
    assert CANARY.encode() not in terminal.output
    assert sent_authorization(server) == f"Bearer {CANARY}"
    assert 'keep_in = "file"' in settings(tmp_path)


def test_the_arguments_of_the_process_hold_no_key(server: FaultServerThread) -> None:
    command = [sys.executable, "-m", "swebench_tui", "provider", "init", "compatible", "--api-key-stdin", "--no-test"]
    flags = ["--keep-in", "file", "--yes", "--base-url", server.base_url]
    done = subprocess.run([*command, *flags], input=CANARY, capture_output=True, text=True, check=True)
    assert CANARY not in done.stdout + done.stderr + str(done.args)
