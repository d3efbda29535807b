"""`swebench-tui repo` with repositories served from a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.cli.main import main
from tests.git_repositories import bare_clone, commit, git, make_checkout
from tests.git_server import serving


class Served:
    """Two repositories of two commits each, a dataset of their tasks, and the template of their addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mirror = f"file://{folder}/{{repo}}.git"
        self.commits: dict[str, list[str]] = {}
        rows = []
        for repo in ("o/one", "o/two"):
            checkout = make_checkout(folder / "checkouts" / repo, {"x.py": f"{repo}\n"})
            self.commits[repo] = [commit(checkout), commit(checkout, {"x.py": "changed\n"})]
            git(bare_clone(checkout, folder / f"{repo}.git"), "config", "uploadpack.allowFilter", "true")
            for number, head in enumerate(self.commits[repo]):
                rows.append({"repo": repo, "instance_id": f"{repo[2:]}-{number}", "base_commit": head})
        self.dataset = folder / "tasks.jsonl"
        self.dataset.write_text("".join(json.dumps(row | {"problem_statement": "x"}) + "\n" for row in rows))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("served")
    (folder / "o").mkdir()
    return Served(folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "clones"
    config = tmp_path / "config" / "swebench-tui"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text(f'[repositories]\nfolder = "{folder}"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["repo", *arguments], input=stdin)


def fetch(served: Served, *arguments: str) -> Result:
    return run("fetch", *arguments, "--mirror", served.mirror)


def test_the_tasks_of_a_dataset_are_fetched(cache: Path, served: Served) -> None:
    done = fetch(served, "--dataset", str(served.dataset))
    assert (done.exit_code, done.stderr.count("fetching commits"), done.stderr.count("fetching files")) == (0, 2, 2)
    assert [line.partition(",")[0] for line in sorted(done.stdout.splitlines())] == [
        "o/one: 2 commits fetched",
        "o/two: 2 commits fetched",
    ]
    for repo, commits in served.commits.items():
        assert all(Clone(cache, repo).has(each) for each in commits)
    again = fetch(served, "--dataset", str(served.dataset))
    assert "o/one: 0 commits fetched, 2 already here" in again.stdout
    assert "fetching" not in again.stderr


def test_a_selection_and_names_narrow_what_is_fetched(cache: Path, served: Served) -> None:
    first = served.commits["o/one"][0]
    assert fetch(served, "--dataset", str(served.dataset), "--instance", "one-0").exit_code == 0
    assert Clone(cache, "o/one").commits() == [first]
    assert not Clone(cache, "o/two").exists()
    assert fetch(served, "o/two", "--dataset", str(served.dataset)).exit_code == 0
    assert len(Clone(cache, "o/two").commits()) == 2
    assert Clone(cache, "o/one").commits() == [first]


def test_a_commit_or_the_newest_one_is_fetched_by_name(cache: Path, served: Served) -> None:
    first, newest = served.commits["o/one"]
    assert fetch(served, f"o/one@{first}").exit_code == 0
    assert Clone(cache, "o/one").commits() == [first]
    assert fetch(served, "o/one").exit_code == 0
    assert set(Clone(cache, "o/one").commits()) == {first, newest}


def test_one_failure_does_not_end_the_others(cache: Path, served: Served) -> None:
    done = fetch(served, "o/gone", "o/one")
    assert done.exit_code == 1
    assert "Error: o/gone: file://" in done.stderr
    assert "does not exist or needs a login" in done.stderr
    assert Clone(cache, "o/one").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        ([], 2, "Name repositories, or a dataset"),
        (["--count", "1"], 2, "need --dataset"),
        (["../x"], 1, "'../x' is not the name of a repository"),
        (["o/one@12ab"], 1, "'12ab' is not a commit"),
        (["--dataset", "starter"], 1, "are bundled"),
        (["o/three", "--dataset", "DATASET"], 1, "no selected task is of o/three"),
        (["o/one", "--mirror", "/nowhere"], 1, "the mirror /nowhere is not a folder"),
        (["o/one", "--mirror", "http://x/{repo}"], 1, "is not an address"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(
    cache: Path, served: Served, arguments: list[str], status: int, what: str
) -> None:
    done = run("fetch", *[str(served.dataset) if each == "DATASET" else each for each in arguments])
    assert (done.exit_code, what in done.stderr) == (status, True), done.stderr
    assert not cache.exists()


def test_a_folder_of_clones_is_used_in_place(cache: Path, served: Served) -> None:
    done = run("fetch", "--dataset", str(served.dataset), "--mirror", str(served.folder))
    assert done.exit_code == 0
    assert "o/one: 0 commits fetched, 2 already here" in done.stdout
    assert not Clone(cache, "o/one").exists()


def test_the_list_has_sizes_and_totals(cache: Path, served: Served) -> None:
    assert "No repositories are fetched" in run("list").stdout
    assert json.loads(run("list", "--json").stdout) == []
    fetch(served, "o/one")
    (row,) = json.loads(run("list", "--json").stdout)
    assert row.keys() == {"repo", "size", "commits", "last_used", "path"}
    assert (row["repo"], row["commits"], row["path"]) == ("o/one", 1, str(cache / "o__one.git"))
    listed = run("list")
    assert listed.stdout.splitlines()[1].split()[0] == "o/one"
    assert f"of 20.0 GB in {cache}" in listed.stderr


def test_pruning_takes_a_name_a_size_or_all(cache: Path, served: Served) -> None:
    fetch(served, "o/one", "o/two")
    assert run("prune").exit_code == 2
    assert run("prune", "o/one", "--all").exit_code == 2
    assert run("prune", "--to", "5 apples", "--yes").exit_code == 2
    assert "o/nope is not fetched" in run("prune", "o/nope", "--yes").stderr
    assert "Nothing to remove" in run("prune", "--to", "1GB", "--yes").stderr
    assert "pass --yes" in run("prune", "--all").stderr
    assert run("prune", "o/one", "--yes").stdout.startswith("Removed o/one, ")
    assert run("prune", "--to", "0", "--yes").stdout.startswith("Removed o/two, ")
    assert list(cache.glob("*.git")) == []


def test_pruning_asks_on_a_terminal(cache: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(served, "o/one")
    monkeypatch.setattr("swebench_tui.cli.repo.is_interactive", lambda: True)
    refused = run("prune", "--all", stdin="n\n")
    assert (refused.exit_code, "Remove o/one (" in refused.stderr) == (1, True)
    assert Clone(cache, "o/one").exists()
    assert run("prune", "--all", stdin="y\n").exit_code == 0
    assert not Clone(cache, "o/one").exists()


def test_a_clone_in_use_stays(cache: Path, served: Served) -> None:
    fetch(served, "o/one")
    with CommitSnapshot(cache / "o__one.git", served.commits["o/one"][1]).open():
        done = run("prune", "--all", "--yes")
    assert (done.exit_code, done.stderr) == (1, "o/one is in use, and stays\n")
    assert Clone(cache, "o/one").exists()


def test_a_project_file_cannot_set_the_mirror(
    cache: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "swebench-tui.toml").write_text('[repositories]\nmirror = "file:///evil/{repo}"\n')
    monkeypatch.chdir(tmp_path)
    done = fetch(served, "o/one")
    assert "repositories cannot be set in a project file" in done.stderr
    assert Clone(cache, "o/one").exists()


PROGRAM = """
import sys
from swebench_tui.bench.repositories import remote
from swebench_tui.services import repositories
repositories.Remote = lambda template: remote.Remote(template, transports=("http",))
from swebench_tui.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture
def interrupted(
    cache: Path,  # noqa: ARG001 - the settings that the process reads
    served: Served,
) -> Iterator[tuple[subprocess.Popen[str], threading.Event]]:
    """A `repo fetch` that waits for its server, and the event that lets the server go on."""
    with serving(served.folder) as server:
        server.held = threading.Event()
        command = [sys.executable, "-c", PROGRAM, "repo", "fetch", "o/one", "o/two", "--mirror", server.remote.template]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            assert server.reached.wait(30)
            yield process, server.held
            process.kill()


def test_ctrl_c_ends_the_fetch_and_leaves_a_usable_cache(
    interrupted: tuple[subprocess.Popen[str], threading.Event], cache: Path, served: Served
) -> None:
    process, _ = interrupted
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "Interrupted. What has arrived is kept." in stderr
    assert fetch(served, "o/one").exit_code == 0
    assert Clone(cache, "o/one").has(served.commits["o/one"][1])
