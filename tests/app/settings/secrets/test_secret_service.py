"""The command line with a real SecretService keyring, unlocked, locked or missing; each run is a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.fault_server import FaultServerThread, Script

pytestmark = pytest.mark.secret_service

CANARY = "sk-canary-9c1f44d0e7"
OTHER = "sk-canary-other-55aa7"
SESSION = Path(__file__).parents[3] / "keyring_session.sh"
Mode = Literal["open", "locked", "none"]


class Machine:
    """A user's folders, and a keyring that outlives its sessions."""

    def __init__(self, folder: Path, server: FaultServerThread) -> None:
        self.folder = folder
        self.server = server
        self.written: list[str] = []
        self.environ = os.environ | {"XDG_CONFIG_HOME": str(folder / "config"), "COMPATIBLE_BASE_URL": server.base_url}

    def run(self, mode: Mode, *arguments: str, key: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [SESSION, self.folder, mode, sys.executable, "-m", "swebench_tui", *arguments],
            input=f"{key}\n",
            capture_output=True,
            text=True,
            env=self.environ | environ,
            timeout=60,
            check=False,
        )
        assert not any(secret in done.stdout + done.stderr for secret in (CANARY, OTHER))
        return done

    def init(self, mode: Mode, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(mode, "provider", "init", "compatible", "--api-key-stdin", "--model", "m", *arguments, key=key)

    def source(self, mode: Mode) -> Any:
        rows = json.loads(self.run(mode, "provider", "list", "--json").stdout)
        return next(row["key_source"] for row in rows if row["name"] == "compatible")

    def files_with(self, secret: str) -> list[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.is_socket())
        return [path.name for path in files if secret.encode() in path.read_bytes()]

    def shown_to_the_server(self) -> str | None:
        return self.server.server.requests[-1].headers.get("authorization")


@pytest.fixture
def machine(tmp_path: Path, server: FaultServerThread) -> Machine:
    server.server.default = Script("OK")
    return Machine(tmp_path, server)


def test_a_key_is_stored_used_later_replaced_and_removed(machine: Machine) -> None:
    first = machine.init("open", CANARY, "--label", "work")
    assert (first.returncode, "key 'work' stored in the keyring" in first.stdout) == (0, True), first.stderr
    assert machine.shown_to_the_server() == f"Bearer {CANARY}"
    assert machine.source("open") == "keyring: work"
    assert machine.run("open", "provider", "test", "compatible").returncode == 0
    assert machine.shown_to_the_server() == f"Bearer {CANARY}"
    assert machine.init("open", OTHER, "--label", "work").returncode == 0
    assert machine.shown_to_the_server() == f"Bearer {OTHER}"
    assert machine.run("open", "provider", "remove", "compatible", "--label", "work", "--yes").returncode == 0
    assert machine.source("open") is None
    machine.run("open", "provider", "test", "compatible", "--model", "m")
    assert machine.shown_to_the_server() is None
    assert machine.files_with(CANARY) == machine.files_with(OTHER) == []


def test_only_a_request_reads_the_keyring(machine: Machine) -> None:
    machine.init("open", CANARY)
    for mode, why in (("locked", "locked"), ("none", "no system keyring")):
        assert machine.source(mode) == "keyring: default"  # type: ignore[arg-type]
        requests = len(machine.server.server.requests)
        done = machine.run(mode, "provider", "models", "compatible")  # type: ignore[arg-type]
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr
        assert len(machine.server.server.requests) == requests


@pytest.mark.parametrize(("mode", "why"), [("locked", "locked"), ("none", "no system keyring")])
def test_without_an_unlocked_keyring_a_file_needs_consent(machine: Machine, mode: Mode, why: str) -> None:
    refused = machine.init(mode, CANARY)
    assert (refused.returncode, why in refused.stderr, "--keep-in file" in refused.stderr) == (1, True, True)
    assert machine.files_with(CANARY) == []
    unsure = machine.init(mode, CANARY, "--keep-in", "file")
    assert (unsure.returncode, machine.files_with(CANARY)) == (1, [])
    kept = machine.init(mode, CANARY, "--keep-in", "file", "--yes")
    assert (kept.returncode, machine.files_with(CANARY)) == (0, ["keys.json"]), kept.stderr
    assert machine.source(mode) == "file: default"
    assert machine.init(mode, OTHER, "--label", "two").returncode == 0, "the choice is remembered"
    assert machine.run(mode, "provider", "remove", "compatible", "--yes").returncode == 0
    assert machine.files_with(CANARY) == machine.files_with(OTHER) == []


@pytest.mark.parametrize(
    ("mode", "name", "problem"),
    [
        ("open", "SecretService Keyring", ""),
        ("locked", "SecretService Keyring", "locked"),
        ("none", "none", "no system"),
    ],
)
def test_the_doctor_reports_the_keyring_and_its_problem(machine: Machine, mode: Mode, name: str, problem: str) -> None:
    keyring = json.loads(machine.run(mode, "doctor", "--json").stdout)["settings"]["keyring"]
    assert keyring["name"] == name
    assert problem in keyring["problem"]
    assert bool(problem) == bool(keyring["problem"])


@pytest.mark.parametrize("mode", ["locked", "none"])
def test_an_environment_variable_and_a_key_command_need_no_keyring(machine: Machine, mode: Mode) -> None:
    done = machine.run(mode, "provider", "test", "compatible", "--model", "m", COMPATIBLE_API_KEY=CANARY)
    assert (done.returncode, machine.shown_to_the_server()) == (0, f"Bearer {CANARY}")
    printed = machine.folder / "printed"
    printed.write_text(OTHER)
    settings = machine.folder / "config" / "swebench-tui" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'[providers.compatible]\nkey_command = "cat {printed}"\n')
    assert machine.run(mode, "provider", "test", "compatible", "--model", "m").returncode == 0
    assert (machine.source(mode), machine.shown_to_the_server()) == ("command", f"Bearer {OTHER}")
