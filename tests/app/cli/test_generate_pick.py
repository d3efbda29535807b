"""`generate --context pick`: a first call for each task, with a cost of its own, paid once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, Script, failing

NAMING = Script("tallybox/averages.py")


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "swebench-tui"
    folder.mkdir()
    (folder / "prices.toml").write_text("[compatible.m]\ninput = 1000\noutput = 0\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def generate(server: FaultServerThread, output: Path) -> Result:
    arguments = ["generate", "-t", "compatible:m", "--dataset", "starter", "--count", "1", "--output", str(output)]
    environ = {"COMPATIBLE_BASE_URL": server.base_url}
    return CliRunner().invoke(main, [*arguments, "--context", "pick", "--yes", "--json"], env=environ)


def calls(server: FaultServerThread) -> list[str]:
    """The chats that the server got: `first` for one that names files, else `answer`."""
    bodies = [request.body for request in server.server.requests if request.method == "POST"]
    return ["first" if b"<paths>" in body else "answer" for body in bodies]


@pytest.mark.usefixtures("priced")
def test_the_first_call_is_recorded_apart_and_summed_up(server: FaultServerThread, tmp_path: Path) -> None:
    server.server.by_text["<paths>"] = NAMING
    server.server.default = Script("No idea.")
    result = generate(server, tmp_path / "out")
    assert calls(server) == ["first", "answer"]
    (file,) = [path for path in (tmp_path / "out").glob("*.jsonl") if "answers" not in path.name]
    provenance = msgspec.json.decode(file.read_bytes())["provenance"]
    assert (provenance["context"], provenance["cost"]) == ("pick", 0.011)
    assert (provenance["pick"]["files"], provenance["pick"]["cost"]) == (["tallybox/averages.py"], 0.011)
    summary = msgspec.json.decode(result.stdout.strip().split("\n")[-1])
    assert summary["event"] == "summary"
    assert "0.022" in result.stdout.strip().split("\n")[-1]


def test_a_continued_run_pays_for_no_first_call_again(server: FaultServerThread, tmp_path: Path) -> None:
    server.server.by_text["<paths>"] = NAMING
    server.server.default = failing(401, "wrong key")
    assert generate(server, tmp_path / "out").exit_code == 1
    assert calls(server) == ["first", "answer"]
    server.server.default = Script("No idea.")
    assert generate(server, tmp_path / "out").exit_code == 0
    assert calls(server) == ["first", "answer", "answer"]
    assert generate(server, tmp_path / "out").exit_code == 0
    assert calls(server) == ["first", "answer", "answer"]
