"""Each reason why the embedded model cannot run is an error with the command that helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, UnifiedRequest
from swebench_providers.catalog import provider_spec
from swebench_providers.embedded import weights
from swebench_providers.embedded.process import INSTALL_COMMAND, EmbeddedServer, missing
from swebench_providers.embedded.provider import EmbeddedProvider
from swebench_providers.http.transport import Transport

ASK = UnifiedRequest(prompt="Say hello.")


def child(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.stdin.readline(); sys.exit('loading\\nno such model')", "no such model"),
        ("import sys; sys.stdin.readline()", "it ended without an error message"),
        ("pass", "it ended without an error message"),
        ("import sys; print('llama_model_loader: ...'); sys.stdin.read()", "it ended without an error message"),
        ("print('{}')", "it ended without an error message"),
    ],
    ids=["error", "silence", "exit before the key is read", "other output", "no address"],
)
def test_a_failed_start_is_transient_and_quotes_the_last_line(program: str, reason: str) -> None:
    server = EmbeddedServer(command=child(program))
    with pytest.raises(ProviderError) as caught:
        server.start()
    error = caught.value
    assert (error.kind, error.retryable, error.reason) == (ErrorKind.TRANSIENT, True, "unreachable")
    assert str(error) == f"the embedded model did not start: {reason}"
    assert INSTALL_COMMAND in error.hint
    assert server.running is None


def test_stopping_survives_a_process_that_ended_before_reading() -> None:
    server = EmbeddedServer()
    process = subprocess.Popen(child("pass"), stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.wait()
    process.stdin.write(b"a key that nobody reads\n")  # stays in the buffer: closing flushes it into a broken pipe
    server._process = process
    server.stop()
    assert server.running is None


def test_a_missing_program_is_a_failed_start(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="did not start: No such file or directory"):
        EmbeddedServer(command=(str(tmp_path / "python"),)).start()


def test_a_server_that_hangs_while_starting_is_killed() -> None:
    server = EmbeddedServer(command=child("import sys; sys.stdin.read()"), start_seconds=0.2)
    with pytest.raises(ProviderError, match="did not start"):
        server.start()
    assert server.running is None


def test_a_server_that_does_not_stop_is_killed() -> None:
    deaf = "import json, time; print(json.dumps({'address': 'http://h'}), flush=True); time.sleep(3600)"
    server = EmbeddedServer(command=child(deaf), stop_seconds=0.1)
    assert server.start().address == "http://h"
    server.stop()
    assert server.running is None


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without runtime and weights; the folder of packages of the test's own."""
    own = tmp_path / "packages"
    own.mkdir()
    monkeypatch.setattr(sys, "path", [str(own), *(path for path in sys.path if "site-packages" not in path)])
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return own


async def test_without_the_runtime_the_error_names_the_one_command(
    transport: Transport, nothing_installed: Path
) -> None:
    assert str(nothing_installed) in sys.path
    config, server = ProviderConfig(name="embedded"), EmbeddedServer()
    provider = EmbeddedProvider(provider_spec("embedded"), config, transport, server=server)
    for request in (ASK, msgspec.structs.replace(ASK, stream=False)):
        with pytest.raises(ProviderError) as caught:
            await provider.generate_unified(request)
        assert (caught.value.kind, caught.value.reason) == (ErrorKind.MODEL_NOT_FOUND, "not_installed")
        assert "xllamacpp" in str(caught.value)
        assert caught.value.hint == f"Run: {INSTALL_COMMAND}"
        assert caught.value.provider == "embedded"


def test_without_the_weights_the_error_names_the_one_command(nothing_installed: Path) -> None:
    (nothing_installed / "xllamacpp.py").touch()
    with pytest.raises(ProviderError) as caught:
        EmbeddedServer().start()
    assert weights.FILE_NAME in str(caught.value)
    assert "98 MB" in str(caught.value)
    assert INSTALL_COMMAND in caught.value.hint


def test_weights_in_the_data_folder_are_found_unless_truncated(nothing_installed: Path) -> None:
    (nothing_installed / "xllamacpp.py").touch()
    weights.data_folder().mkdir(parents=True)
    file = weights.data_folder() / weights.FILE_NAME
    with file.open("wb") as cut_off:
        cut_off.truncate(weights.SIZE - 1)
    assert weights.find() is None
    with file.open("wb") as whole:
        whole.truncate(weights.SIZE)
    assert weights.find() == file
    assert missing() is None


def test_the_weights_of_a_clone_are_found_and_whole() -> None:
    found = weights.find()
    assert found is not None
    assert weights.sha256(found) == weights.SHA256
    assert missing() is None
