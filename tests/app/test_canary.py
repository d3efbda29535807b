"""A key is planted wherever keys may be; after a session every byte that was shown or written is searched for it."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from swebench_providers import ProviderError, Secret, UnifiedRequest
from swebench_tui import paths
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.errors import KeyStoreError, SettingsError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from tests.app.tui.pilot import all_settled, shown, wait_until
from tests.fault_server import FaultServer, FaultServerThread, Script

CANARY = "sk-proj-canary0zebra1quagga2okapi3TAPIR4"
"""In the environment, in a kept file, printed by a command, and quoted by the server in its errors."""

FORMS = (CANARY, CANARY[::-1], base64.b64encode(CANARY.encode()).decode().rstrip("="), CANARY.encode().hex())
TELLING = CANARY[len("sk-proj-") : len("sk-proj-") + 20]
"""A part that stands in no other text: a key that was cut or wrapped shows this much."""


def leaks(data: str | bytes) -> bool:
    """Whether it holds the key, or most of it, in any form, across line ends and the cells of a frame too."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    joined = "".join(character for character in text if character.isalnum() or character in "-_")
    return any(form in text for form in FORMS) or TELLING in text or TELLING in joined


def quoting_server() -> Script:
    """A refusal that quotes the key it received: in the error, and in the request id."""
    quoted = " ".join((CANARY, CANARY[:20], FORMS[2], base64.b64encode(f"Bearer {CANARY}".encode()).decode()))
    return Script(status=401, error_message=f"no such key: {quoted}", headers={"x-request-id": f"req-{CANARY}"})


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    return tmp_path


@pytest.fixture
def refusing() -> Iterator[FaultServerThread]:
    with FaultServerThread() as thread:
        thread.server.default = quoting_server()
        yield thread


def written(folder: Path) -> list[Path]:
    """Every file below, except the store of keys."""
    keys = paths.data() / "secrets"
    return [path for path in folder.rglob("*") if path.is_file() and keys not in path.parents]


@contextmanager
def arguments_seen() -> Iterator[set[bytes]]:
    """The command lines of all processes of this machine, polled."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - a glob of it takes a core
                with suppress(OSError), open(f"/proc/{process}/cmdline", "rb", buffering=0) as line:  # noqa: PTH123
                    seen.add(line.read())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


class Program:
    """The program as a process. Its output is kept."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self.output: list[tuple[Sequence[str], bytes]] = []

    def run(self, *arguments: str, typed: str = "", expected: Sequence[int] = (0, 1)) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "swebench_tui", *arguments],
            input=typed.encode(),
            env=self._environ,
            capture_output=True,
            check=False,
        )
        self.output.append((arguments, done.stdout + done.stderr))
        assert done.returncode in expected, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr


def test_no_command_shows_writes_or_passes_on_a_key(folders: Path, refusing: FaultServerThread) -> None:
    url = refusing.base_url
    from_shell = {
        "OPENAI_API_KEY": CANARY,
        "OPENAI_BASE_URL": url,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    program = Program({**os.environ, **from_shell})
    keep = ("--label", "work", "--keep-in", "file", "--yes", "--base-url", url, "--model", "m")
    with arguments_seen() as arguments:
        program.run("provider", "init", "compatible", "--api-key-stdin", *keep, "--no-test", typed=f"{CANARY}\n")
        program.run("provider", "init", "mine", "--like", "compatible", "--api-key-stdin", *keep, typed=f"{CANARY}\n")
        printing = f"{sys.executable} -c 'import sys; print(open(sys.argv[1]).read())' {folders / 'outside.txt'}"
        (folders / "outside.txt").write_text(CANARY)
        program.run("settings", "set", "providers.ollama-cloud.key_command", printing)
        program.run("settings", "set", "providers.mine.headers.x-team", "blue")
        for name in ("openai", "compatible", "mine", "ollama-cloud"):
            program.run("provider", "models", name)
            for more in ((), ("--json",)):
                program.run("provider", "test", name, *more)
                program.run("compare", "-t", f"{name}:m", "--prompt", "Why?", *more)
        for more in ((), ("--json",)):
            program.run("provider", "list", *more)
            program.run("doctor", "--ask", "openai", *more)
            program.run("settings", "show", *more)
            program.run("settings", "path", *more)
            program.run("models", *more)
            program.run("keys", *more)
        program.run("settings", "schema")
        program.run("completions", "bash")
        program.run("provider", "init", "openai", f"--api-key={CANARY}", expected=[2])
        program.run("provider", "init", "openai", CANARY, expected=[2])
        refused_here = {arguments_ for arguments_ in arguments if CANARY.encode() in arguments_}
        program.run("provider", "remove", "mine", "--yes")
    (folders / "outside.txt").unlink()
    assert len(program.output) > 35
    assert {shown_to for shown_to in refusing_headers(refusing) if CANARY in shown_to}, "no request carried the key"
    assert [arguments for arguments, output in program.output if leaks(output)] == []
    assert [path for path in written(folders) if leaks(path.read_bytes())] == []
    # Two of the command lines above carried it, since the test typed them so; no other process was given it.
    assert all(b"--api-key=" in line or (line.count(CANARY.encode()) == 1 and b"init" in line) for line in refused_here)


def refusing_headers(server: FaultServerThread) -> list[str]:
    return [str(request.headers) for request in server.server.requests]


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer(default=quoting_server()) as server:
        yield server


class Watched(logging.Handler):
    """All that is logged, with everything a record carries."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(f"{record.getMessage()} {record.__dict__}")


class Pictures:
    """What the app shows after each step, as text and as SVG."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot
        self.taken: list[tuple[str, str, str]] = []

    async def take(self, name: str) -> None:
        await self._pilot.pause()
        self.taken.append((name, shown(self._pilot.app.screen), self._pilot.app.export_screenshot()))

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self.take(" ".join(keys))


class Faulty(SwebenchApp):
    """Raises an error on f9, with a key in its locals and its message."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "fail")]

    def action_fail(self) -> None:
        api_key = Secret(CANARY).reveal()
        raise ValueError(f"no header can hold {api_key}")


async def test_no_screen_log_or_file_of_a_session_shows_keys(folders: Path, server: FaultServer) -> None:
    watched = Watched()
    logging.getLogger().addHandler(watched)
    logging.getLogger("swebench_providers").setLevel(logging.DEBUG)
    workspace = Workspace(
        {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": server.base_url, "COMPATIBLE_BASE_URL": server.base_url},
        config_folder=paths.config(),
        data_folder=paths.data(),
    )
    workspace.keys.add("compatible", Secret(CANARY), label="work", storage="file")
    app = Faulty(workspace=workspace, lineup=[parse_target("openai:m"), parse_target("compatible:m")])
    app.animation_level = "none"
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            pictures = Pictures(pilot)
            await wait_until(pilot, lambda: app.compare.task_prompt is not None, what="the first task")
            await pictures.press("enter")
            await all_settled(pilot)
            await pictures.take("both columns have failed")
            assert "✗ failed" in pictures.taken[-1][1]
            for keys in (("z",), ("z",), ("question_mark",), ("escape",), ("y",), ("2",), ("3",), ("4",)):
                await pictures.press(*keys)
            await pictures.press("T")
            await wait_until(pilot, lambda: "401" in shown(app.screen) or "✗" in shown(app.screen), what="the tests")
            for keys in (("enter",), ("escape",), ("k",), ("escape",), ("e",), ("escape",), ("5",), ("ctrl+p",)):
                await pictures.press(*keys)
            await pictures.press("escape")
            app.action_open_settings()
            await pictures.take("settings")
            await pictures.press("escape")
            app.action_open_wizard()
            await wait_until(pilot, lambda: "step 1 of 4" in shown(app.screen), what="the steps")
            await pictures.take("step 1")
            for keys in (("enter",), ("k",), ("escape",), ("enter",)):
                await pictures.press(*keys)
            await wait_until(pilot, lambda: "✗ bad key" in shown(app.screen), what="the trial")
            for keys in (("r",), ("enter",), ("ctrl+s",), ("f9",)):
                await pictures.press(*keys)
            await wait_until(pilot, lambda: any(paths.data().rglob("*.txt")), what="the report")
            await pictures.take("after a fault")
    finally:
        logging.getLogger().removeHandler(watched)
    assert len(pictures.taken) > 20
    assert any(CANARY in str(request.headers) for request in server.requests)
    assert [name for name, text, svg in pictures.taken if leaks(text) or leaks(svg)] == []
    assert [record for record in watched.records if leaks(record)] == []
    assert len(written(folders)) >= 2
    assert [path for path in written(folders) if leaks(path.read_bytes())] == []


async def test_no_traceback_with_locals_shows_a_key(folders: Path, server: FaultServer) -> None:  # noqa: ARG001
    workspace = Workspace(
        {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": server.base_url},
        config_folder=paths.config(),
        data_folder=paths.data(),
    )
    errors: list[BaseException] = []
    for failing in (
        lambda: workspace.keys.add("openai", Secret(CANARY), label="bad/label", storage="file"),
        lambda: workspace.keys.add("embedded", Secret(CANARY), storage="file"),
        lambda: workspace.change(("providers", "openai", "keys"), [{"label": 3}]),
    ):
        with pytest.raises((KeyStoreError, SettingsError)) as caught:
            failing()
        errors.append(caught.value)
    provider = workspace.registry.get_provider("openai")
    with pytest.raises(ProviderError) as refused:
        await provider.generate_unified(UnifiedRequest(model="m", prompt="Why?"))
    await workspace.registry.aclose()
    for error in (*errors, refused.value):
        whole = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert not leaks(whole), error
