"""`swebench-tui dataset` as it is run, on local files and on a stand-in hub."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.bench.datasets import KNOWN, Progress, load
from swebench_tui.cli.dataset_loading import cut, progress_line
from swebench_tui.cli.main import main
from tests.app.bench.datasets.stand_in_hub import Fault, StandInHub
from tests.app.bench.datasets.tables import columns, parquet

COMMIT = "4" * 40
HOSTILE = "\x1b]0;owned\x07\u202e[bold]"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["dataset", *arguments])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandInHub]:
    """A hub that has `lite` alone."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    rows = [columns("a__a-1", version="1.0", difficulty="<15 min fix"), columns("a__a-2", version="1.1")]
    padding = {"README.md": b"x"}
    files = {"data/test-00000-of-00001.parquet": parquet(rows), **padding}
    with StandInHub({KNOWN["lite"].repo: {COMMIT: files}}) as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield stand_in


def rows_file(folder: Path, *rows: dict[str, object]) -> str:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(folder / "rows.jsonl")


def test_list_has_every_short_name_in_80_columns(hub: StandInHub) -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "starter", *KNOWN]
    assert max(map(len, lines)) <= 80
    assert hub.requests == []


def test_list_shows_what_fetch_put_into_the_cache(hub: StandInHub) -> None:
    fetched = run("fetch", "lite")
    assert fetched.stdout == f"lite: 2 tasks, split test, revision {COMMIT}\n"
    (line,) = [line for line in run("list").stdout.splitlines() if line.startswith("lite ")]
    assert COMMIT[:12] in line
    listed = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert listed["lite"]["revision"] == COMMIT
    assert listed["lite"]["cached"]
    assert not listed["verified"]["cached"]
    assert listed["starter"]["tasks"] == {"test": len(load("starter").instances)}
    hub.stop()
    assert json.loads(run("fetch", f"lite@{COMMIT}", "--json").stdout) == {
        "dataset": "lite",
        "split": "test",
        "revision": COMMIT,
        "notice": None,
        "tasks": 2,
    }


def test_fetch_of_a_local_file_prints_its_hash(tmp_path: Path) -> None:
    file = rows_file(tmp_path, columns("a__a-1"))
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert run("fetch", file).stdout == f"{file}: 1 task, revision sha256:{digest}\n"


def test_an_old_copy_is_reported_on_standard_error(hub: StandInHub) -> None:
    run("fetch", "lite")
    hub.stop()
    shown = run("show", "lite")
    assert shown.exit_code == 0
    assert "a__a-1" in shown.stdout
    assert re.match(r"Note: the hub at .* cannot be reached", shown.stderr)
    assert COMMIT in shown.stderr


def test_show_lists_the_selected_tasks(hub: StandInHub) -> None:
    heading, row = run("show", "lite", "--repo-version", "1.0").stdout.splitlines()
    assert heading.split() == ["id", "repository", "version", "difficulty", "title"]
    assert row == "a__a-1  a/a         1.0      <15 min fix  It fails."
    del hub


def test_show_leaves_out_columns_without_values() -> None:
    assert run("show", "starter").stdout.splitlines()[0].split() == ["id", "repository", "version", "title"]


def test_show_with_an_id_prints_the_issue_and_no_solution() -> None:
    task = load("starter").instances[0]
    printed = run("show", "starter", "--instance", task.instance_id).stdout
    assert task.problem_statement.strip() in printed
    assert task.base_commit in printed
    assert "diff --git" not in printed
    assert "test_the_mean_of_nothing" not in printed


def test_json_of_show_has_revision_and_issues_and_no_solution() -> None:
    starter = load("starter")
    shown = json.loads(run("show", "starter", "--count", "2", "--json").stdout)
    assert shown["revision"] == starter.revision
    assert [task["instance_id"] for task in shown["instances"]] == [task.instance_id for task in starter.instances[:2]]
    assert shown["instances"][0]["problem_statement"] == starter.instances[0].problem_statement
    assert not {"patch", "test_patch", "hints_text", "FAIL_TO_PASS"} & shown["instances"][0].keys()


def test_stats_count_what_is_selected(tmp_path: Path) -> None:
    rows = [columns(f"a__a-{n}", version="1.0", problem_statement="x" * n) for n in range(1, 11)]
    file = rows_file(tmp_path, *rows, columns("b__b-1", repo="b/b", difficulty="1-4 hours"))
    counted = json.loads(run("stats", file, "--json").stdout)
    assert counted["repositories"] == {"a/a": 10, "b/b": 1}
    assert counted["versions"] == {"a/a 1.0": 10}
    assert counted["difficulties"] == {"1-4 hours": 1}
    counted = json.loads(run("stats", file, "--repo", "a", "--json").stdout)
    assert (counted["selected"], counted["tasks"]) == (10, 11)
    assert counted["issue_characters"] == {"shortest": 1, "median": 6, "p90": 9, "longest": 10}
    printed = run("stats", file).stdout
    assert "     10  a/a\n" in printed
    assert "11 of 11 tasks" in printed


def test_stats_sum_up_long_tables(tmp_path: Path) -> None:
    file = rows_file(tmp_path, *(columns(f"a__a-{n}", repo=f"a/{n:02}") for n in range(25)))
    printed = run("stats", file).stdout
    assert "      1  a/19\n      5  in 5 more\n" in printed


@pytest.mark.parametrize("arguments", [["show"], ["stats"], ["show", "--json"], ["stats", "--json"], ["fetch"]])
def test_hostile_rows_reach_the_terminal_as_text(tmp_path: Path, arguments: list[str]) -> None:
    hostile = columns(HOSTILE, repo=HOSTILE, version=HOSTILE, difficulty=HOSTILE, problem_statement=HOSTILE)
    command, *flags = arguments
    result = run(command, rows_file(tmp_path, hostile), *flags)
    assert result.exit_code == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.stdout)


def test_a_hostile_issue_is_shown_as_text(tmp_path: Path) -> None:
    printed = run("show", rows_file(tmp_path, columns("a", problem_statement=HOSTILE)), "--instance", "a").stdout
    assert "␛]0;owned␇" in printed


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["show", "nonsense"], 1, "unknown dataset 'nonsense'"),
        (["show", "./nowhere.jsonl"], 1, "No such file"),
        (["show", "starter", "--instance", "starter__tallybox"], 1, "Did you mean starter__tallybox-1"),
        (["show", "starter", "--repo", "tillroll", "--slice", "9:"], 1, "2 after repository, 0 after slice"),
        (["show", "starter", "--instances-file", "/nowhere"], 1, "/nowhere cannot be read"),
        (["show", "starter", "--filter", "["], 2, "is not a regular expression"),
        (["show", "starter", "--slice", "x"], 2, "is not a slice"),
        (["show", "starter", "--sample", "0"], 2, "--sample"),
        (["show"], 2, "DATASET"),
    ],
)
def test_errors_say_what_to_do(arguments: list[str], status: int, complaint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == status
    assert complaint in result.stderr
    assert result.stdout == ""


# Selection flags.


def shown_ids(*flags: str) -> list[str]:
    shown = json.loads(run("show", "starter", *flags, "--json").stdout)
    return [task["instance_id"].removeprefix("starter__") for task in shown["instances"]]


def test_each_selection_flag_selects(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("starter__tillroll-2  # again\nstarter__tallybox-1\n")
    assert shown_ids("--instance", "starter__calspan-1") == ["calspan-1"]
    assert shown_ids("--instances", "starter__tillroll-1,starter__calspan-1") == ["calspan-1", "tillroll-1"]
    assert shown_ids("--instances-file", str(tmp_path / "ids")) == ["tallybox-1", "tillroll-2"]
    assert shown_ids("--filter", "-2$") == ["tillroll-2", "slugline-2", "meterlog-2"]
    assert shown_ids("--repo", "tillroll", "--repo", "starter/calspan") == ["calspan-1", "tillroll-1", "tillroll-2"]
    assert shown_ids("--repo-version", "0.4") == ["calspan-1"]
    assert shown_ids("--slice", "1:3") == ["calspan-1", "tillroll-1"]
    assert shown_ids("--count", "1") == ["tallybox-1"]
    assert shown_ids("--filter", "-2$", "--slice", "1:", "--count", "1") == ["slugline-2"]
    assert len(shown_ids("--sample", "3")) == 3
    assert shown_ids("--sample", "3", "--seed", "1") != shown_ids("--sample", "3")


# Progress.


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(file="data/x.parquet", done=0, total=2_000_000), f"{'╌' * 30}  0.0 of 2.0 MB  x.parquet"),
        (
            Progress(file="data/x.parquet", done=1_000_000, total=2_000_000),
            f"{'━' * 15}{'╌' * 15}  1.0 of 2.0 MB  x.parquet",
        ),
        (Progress(file="\x1b[2J", done=3, total=2), f"{'━' * 30}  0.0 of 0.0 MB  ␛[2J"),
        (Progress(file="", done=0, total=None), "asking the hub …"),
        (Progress(file="x", done=1_500_000, total=None), "1.5 MB  x"),
        (Progress(file="", done=1_500_000, total=2, waiting=True), "1.5 MB  no answer, trying again …"),
    ],
)
def test_the_line_of_a_download(progress: Progress, line: str) -> None:
    assert progress_line(progress) == line


@pytest.mark.parametrize(("line", "shown"), [("abc", "abc"), ("abcd", "ab…"), ("日本語", "日…"), ("日a", "日a")])
def test_a_line_is_cut_to_the_columns_of_a_terminal(line: str, shown: str) -> None:
    assert cut(line, 3) == shown


def test_ctrl_c_stops_a_download_on_a_terminal(hub: StandInHub, tmp_path: Path) -> None:
    stall = threading.Event()
    hub.faults = [Fault("GET .*parquet", stall=stall)]
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "swebench_tui", "dataset", "fetch", "lite"],
        stdin=end,
        stdout=end,
        stderr=end,
        env=os.environ | {"TERM": "xterm"},
        start_new_session=True,
    )
    os.close(end)
    assert hub.body_started.wait(60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    stall.set()
    os.close(terminal)
    assert [path for path in (tmp_path / "hf").rglob("*.incomplete") if path.suffix == ".incomplete"] == []
    hub.faults = []
    assert run("fetch", "lite").exit_code == 0
