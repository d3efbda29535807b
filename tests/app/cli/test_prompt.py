"""`swebench-tui prompt show`: what would be sent, and that nothing is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from swebench_tui.bench import datasets
from swebench_tui.bench.prompts import prompt_hash
from swebench_tui.cli.main import main
from tests.fault_server import FaultServerThread, Script

TASK = datasets.load("starter").instances[0]
FIELDS = {
    *("target", "hash", "dataset", "revision", "template", "format", "numbered", "context", "oracle", "label", "match"),
    *("files", "left_out", "context_tokens", "budget", "tokens", "notes", "system", "user"),
}
EXPECTED = {"window", "window_source", "max_output", "answer_tokens", "input_cost", "input_cost_estimated"}


def show(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["prompt", "show", *arguments], env=environ or {})


def rows(result: Result) -> list[dict[str, object]]:
    return [msgspec.json.decode(line, type=dict[str, object]) for line in result.stdout.splitlines()]


def test_the_prompt_is_printed_as_it_would_be_sent() -> None:
    result = show(TASK.instance_id, "--full")
    assert result.exit_code == 0
    (row,) = rows(show(TASK.instance_id, "--json"))
    assert f"── system ──\n{row['system']}\n" in result.stdout
    assert result.stdout.endswith(f"── user ──\n{row['user']}\n")
    assert f"sha256 {row['hash']}" in result.stdout
    assert row["hash"] == prompt_hash(str(row["system"]), str(row["user"]))
    assert "Context: all source files. " in result.stdout
    assert "  tallybox/averages.py  9 lines" in result.stdout
    assert "  tests/test_averages.py  a test" in result.stdout


def test_json_has_every_documented_field() -> None:
    (alone,) = rows(show(TASK.instance_id, "--json"))
    first, second = rows(show(TASK.instance_id, "-t", "embedded", "-t", "openai:gpt-5.4", "--json"))
    assert set(alone) == FIELDS
    assert set(first) == set(second) == FIELDS | EXPECTED
    assert (first["target"], second["target"], alone["target"]) == ("embedded", "openai:gpt-5.4", None)
    assert first["hash"] == second["hash"]
    assert (alone["dataset"], alone["context"], alone["oracle"]) == ("starter", "all", False)
    assert str(alone["revision"]).startswith("sha256:")


def test_what_compare_sends_is_what_was_shown(server: FaultServerThread) -> None:
    environ = {"COMPATIBLE_BASE_URL": server.base_url}
    (row,) = rows(show(TASK.instance_id, "-t", "compatible:m", "--json", environ=environ))
    assert [request.path for request in server.server.requests if request.method == "POST"] == []
    arguments = ["compare", "-t", "compatible:m", "--dataset", "starter", "--instance", TASK.instance_id, "--json"]
    CliRunner().invoke(main, arguments, env=environ)
    (sent,) = [request.json["messages"] for request in server.server.requests if request.method == "POST"]
    assert sent == [{"role": "system", "content": row["system"]}, {"role": "user", "content": row["user"]}]


def test_price_and_window_are_shown_for_each_target() -> None:
    result = show(TASK.instance_id, "-t", "openai:gpt-5.4", "-t", "compatible:m", "-t", "embedded")
    lines = result.stdout.splitlines()
    known = next(line for line in lines if line.startswith("openai:gpt-5.4: "))
    assert " tokens in, $0.000" in known
    assert "plus output; window 1,050,000 (catalog), 128,000 left for the answer" in known
    unknown = next(line for line in lines if line.startswith("compatible:m: "))
    assert unknown.startswith("compatible:m: ~")
    assert unknown.endswith("tokens in, price unknown; window unknown")
    assert any(line.startswith("embedded: ~") and " free; window 8,192 (server)" in line for line in lines)
    assert "Note (compatible:m): window unknown: the budget of files is 27,000 tokens, the default" in lines
    assert "$0.00 " not in result.stdout


def test_the_budget_and_the_oracle_are_labelled() -> None:
    result = show(TASK.instance_id, "--context", "search", "--context-tokens", "40", "-t", "embedded")
    assert "Left out:" in result.stdout
    assert "over budget" in result.stdout
    result = show(TASK.instance_id, "--context", "oracle", "-t", "embedded")
    assert "Context: oracle: 1 file." in result.stdout
    assert "gold patch" in result.stdout


def test_the_first_call_of_pick_is_shown_and_not_made(server: FaultServerThread) -> None:
    environ = {"COMPATIBLE_BASE_URL": server.base_url}
    result = show(TASK.instance_id, "-t", "compatible:m", "--context", "pick", environ=environ)
    assert "Context: pick: the call for files." in result.stdout
    assert "<paths>\ntallybox/averages.py\n" in result.stdout
    assert "Note: the files that the model names, up to 27,000 tokens, go into a second call" in result.stdout
    assert not [request for request in server.server.requests if request.method == "POST"]


@pytest.mark.parametrize(("form", "sign"), [("diff", "@@ -10,3 +10,3 @@"), ("whole-file", "every line of the file")])
def test_the_format_and_line_numbers_can_be_chosen(form: str, sign: str) -> None:
    numbered, plain = (show(TASK.instance_id, "--full", "--format", form, flag) for flag in ("--numbered", "--plain"))
    assert sign in numbered.stdout
    assert "\n1| " in numbered.stdout
    assert "\n1| " not in plain.stdout


def test_an_own_template_is_used(tmp_path: Path) -> None:
    file = tmp_path / "fix.j2"
    file.write_text("{% block system %}Brief.{% endblock %}{% block user %}Fix {{ repo }}.{% endblock %}")
    (row,) = rows(show(TASK.instance_id, "--template", str(file), "--json"))
    assert (row["system"], row["user"]) == ("Brief.", f"Fix {TASK.repo}.")
    assert str(row["template"]).startswith("fix.j2@")


def test_the_settings_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "swebench-tui"
    folder.mkdir()
    (tmp_path / "own.j2").write_text("Mine: {{ issue }}")
    (folder / "settings.toml").write_text(
        f'[context]\nmode = "none"\ntokens = 99\n[prompt]\nformat = "diff"\ntemplate = "{tmp_path / "own.j2"}"\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (row,) = rows(show(TASK.instance_id, "--json"))
    assert (row["context"], row["budget"], row["format"]) == ("none", 99, "diff")
    assert str(row["user"]).startswith("Mine: ")
    (other,) = rows(show(TASK.instance_id, "--json", "--context", "all", "--format", "whole-file"))
    assert (other["context"], other["template"]) == ("all", "whole-file")


@pytest.mark.parametrize(("name", "mode"), [("bm25", "search"), ("search", "search"), ("auto", "all"), ("all", "all")])
def test_a_context_has_its_usual_names(name: str, mode: str) -> None:
    (row,) = rows(show(TASK.instance_id, "--json", "--context", name))
    assert row["context"] == mode


def test_a_project_cannot_choose_the_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a repository from somebody else could have any file of this machine sent."""
    (tmp_path / "secret").write_text("the secret")
    (tmp_path / "swebench-tui.toml").write_text(f'[prompt]\ntemplate = "{tmp_path / "secret"}"\n')
    monkeypatch.chdir(tmp_path)
    result = show(TASK.instance_id)
    assert "the secret" not in result.output
    assert "template" in result.stderr


def test_hostile_text_of_a_dataset_never_reaches_the_terminal(tmp_path: Path) -> None:
    task = {
        "repo": "a/b\x1b[2J",
        "instance_id": "a__b-1",
        "base_commit": "0" * 40,
        "problem_statement": "x\x1b]0;y\x07",
    }
    (tmp_path / "tasks.jsonl").write_bytes(msgspec.json.encode(task))
    for flags in ([], ["--json"], ["-t", "embedded"]):
        result = show("a__b-1", "--dataset", str(tmp_path / "tasks.jsonl"), *flags)
        assert result.exit_code == 0
        assert not {"\x1b", "\x07"} & set(result.output)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("nonsense",), 1, "the dataset has no task 'nonsense'"),
        ((TASK.instance_id, "--dataset", "nonsense"), 1, "nonsense"),
        ((TASK.instance_id, "-t", "olama"), 1, "unknown provider 'olama'"),
        ((TASK.instance_id, "--context", "everything"), 2, "--context"),
        ((TASK.instance_id, "--context-tokens", "-1"), 2, "--context-tokens"),
        ((TASK.instance_id, "--format", "xml"), 2, "--format"),
        ((TASK.instance_id, "--template", "missing.j2"), 1, "the template missing.j2 cannot be read"),
        ((TASK.instance_id, "--base-url", "olama=http://127.0.0.1:1"), 2, "--base-url names 'olama'"),
        ((), 2, "INSTANCE"),
    ],
)
def test_a_failure_names_what_is_wrong(arguments: tuple[str, ...], status: int, sentence: str) -> None:
    result = show(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in result.stderr


def test_a_wrong_template_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "fix.j2").write_text("{{ issue }}\n{{ patch }}")
    result = show(TASK.instance_id, "--template", str(tmp_path / "fix.j2"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: fix.j2:2: 'patch' is undefined\n")


def test_pick_has_an_event_and_a_cost_in_compare(server: FaultServerThread) -> None:
    server.server.by_text["<paths>"] = Script("tallybox/averages.py")
    server.server.default = Script("Done.")
    environ = {"COMPATIBLE_BASE_URL": server.base_url}
    arguments = ["compare", "-t", "compatible:m", "--dataset", "starter", "--count", "1", "--context", "pick"]
    result = CliRunner().invoke(main, [*arguments, "--json"], env=environ)
    events = rows(result)
    assert [event["event"] for event in events][:2] == ["pick", "prompt"]
    assert (events[0]["files"], events[0]["cost"], events[0]["problem"]) == (["tallybox/averages.py"], None, None)
    done = events[-1]
    pick = done["pick"]
    assert isinstance(pick, dict)
    assert pick["usage"]["prompt_tokens"] == 11
    assert (done["context"], done["prompt_hash"]) == ("pick", events[1]["hash"])
    text = CliRunner().invoke(main, arguments, env=environ)
    assert "Note: pick: 1 file, price unknown" in text.stderr
    assert "\n→ pick: 1 file, price unknown\n→ no patch" in text.stdout


def test_a_terminal_gets_lines_of_its_width_and_progress(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 60))
    command = [sys.executable, "-m", "swebench_tui", "prompt", "show", TASK.instance_id, "-t", "openai:gpt-5.4"]
    environ = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    environ.pop("COLUMNS", None)
    with subprocess.Popen(command, env=environ, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        printed = b""
        while data := _read(parent):
            printed += data
        os.close(parent)
    facts = printed.decode().replace("\r\n", "\n").partition("── system ──")[0].splitlines()
    assert process.returncode == 0
    assert "openai:gpt-5.4: looking up the model …" in facts
    assert "    1,050,000 (catalog), 128,000 left for the answer" in facts
    assert max(len(line) for line in facts if "sha256" not in line and len(line.strip()) != 64) <= 60


def _read(parent: int) -> bytes:
    try:
        return os.read(parent, 65_536)
    except OSError:  # the other end is closed
        return b""
