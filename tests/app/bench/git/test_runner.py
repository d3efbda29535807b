"""The one git runner: its bounds, its cancellation, and what it shuts off."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swebench_tui.bench.git import Cancellation, GitCancelledError, GitError, cancellable, runner
from swebench_tui.bench.git.network import run_network_git
from swebench_tui.bench.git.objects import blob_reader
from swebench_tui.bench.git.runner import run_git
from swebench_tui.bench.git.sealed import object_folder, sealed
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from tests.git_repositories import bare_clone, commit, git, make_checkout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = make_checkout(tmp_path / "repo", {"x.py": "x = 1\n", "big.txt": "line\n" * 50_000})
    commit(folder)
    return folder


def fake_git(folder: Path, script: str) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which `fake_git` puts a program in front of git."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


def test_no_variable_of_the_user_reaches_git(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(fake, "env")
    for name in (
        "GIT_DIR",
        "GIT_SSH_COMMAND",
        "GIT_EXTERNAL_DIFF",
        "GIT_TRACE",
        "GIT_CONFIG_PARAMETERS",
        "LD_PRELOAD",
        "SSH_ASKPASS",
    ):
        monkeypatch.setenv(name, "of the user")
    for name in ("https_proxy", "SSH_AUTH_SOCK", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "kept for fetches")
    local = run_git(fake, ["status"]).stdout.decode()
    network = run_network_git(fake, ["fetch"], transports=["https"]).stdout.decode()
    assert "of the user" not in local + network
    assert "kept for fetches" not in local
    assert {line.partition("=")[0] for line in network.splitlines() if line.endswith("kept for fetches")} == {
        "https_proxy",
        "SSH_AUTH_SOCK",
    }
    assert "GIT_TERMINAL_PROMPT=0" in local
    assert "BatchMode=yes" in network


def test_a_repository_further_up_is_not_found(repository: Path) -> None:
    (repository / "inner").mkdir()
    assert "not a git repository" in run_git(repository / "inner", ["status"]).stderr


@pytest.mark.parametrize("address", ["file://{}", "ext::sh -c true", "http://127.0.0.1:9/x", "ssh://x.invalid/y", "{}"])
def test_a_local_command_uses_no_transport(repository: Path, tmp_path: Path, address: str) -> None:
    result = run_git(tmp_path, ["ls-remote", address.format(repository)])
    assert result.status != 0
    assert "not allowed" in result.stderr


@pytest.mark.parametrize("address", ["ext::sh -c true", "http://127.0.0.1:9/x", "git://127.0.0.1:9/x"])
def test_a_fetch_uses_the_named_transports_alone(tmp_path: Path, address: str) -> None:
    result = run_network_git(tmp_path, ["ls-remote", address], transports=["https", "ssh", "file"])
    assert "not allowed" in result.stderr


def test_output_is_bounded(repository: Path) -> None:
    assert len(run_git(repository, ["show", "HEAD:big.txt"]).stdout) == 250_000
    with pytest.raises(GitError, match="git show printed more than 1,000 bytes"):
        run_git(repository, ["show", "HEAD:big.txt"], output_limit=1000)


def test_endless_output_ends_at_the_limit(fake: Path) -> None:
    fake_git(fake, "exec yes")
    with pytest.raises(GitError, match="printed more than"):
        run_git(fake, ["log"], output_limit=1_000_000)


def test_endless_messages_are_cut_and_end_at_the_time_limit(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(fake, "exec yes >&2")
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.2)
    sizes: list[int] = []
    with pytest.raises(GitError, match=r"did not finish within 0\.2 s"):
        run_git(fake, ["log"], progress=lambda chunk: sizes.append(len(chunk)))
    assert sum(sizes) > 64 * 1024


def test_a_fetch_may_last_but_not_be_silent(fake: Path) -> None:
    fake_git(fake, "for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.2; done; echo done")
    assert run_git(fake, ["fetch"], idle_limit=1.0).stdout == b"done\n"
    fake_git_again = (fake / "bin" / "git").write_text
    fake_git_again("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(GitError, match=r"made no progress for 0\.3 s"):
        run_git(fake, ["fetch"], idle_limit=0.3)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def test_children_are_killed_with_git(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(fake, f"sleep 60 & echo $! > {fake}/child; wait")
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.5)
    with pytest.raises(GitError, match="did not finish"):
        run_git(fake, ["log"])
    child = int((fake / "child").read_text())
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not alive(child)


def test_an_error_of_who_listens_ends_git(fake: Path) -> None:
    fake_git(fake, "echo here >&2; exec sleep 60")

    def listen(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_git(fake, ["fetch"], progress=listen)


def test_git_that_reads_no_input_is_no_error(fake: Path) -> None:
    fake_git(fake, "exit 3")
    assert run_git(fake, ["apply"], stdin=b"x" * 1_000_000).status == 3


@pytest.fixture
def cancellation() -> Iterator[Cancellation]:
    cancellation = Cancellation()
    with cancellable(cancellation):
        yield cancellation


def read_twice(snapshot: CommitSnapshot, between: Callable[[], None]) -> None:
    with snapshot.open() as tree:
        assert tree.read("x.py") == b"x = 1\n"
        between()
        tree.read("x.py")


def test_all_processes_of_a_tree_end_when_cancelled(repository: Path, cancellation: Cancellation) -> None:
    snapshot = CommitSnapshot(repository, git(repository, "rev-parse", "HEAD"))
    with pytest.raises(GitCancelledError):
        read_twice(snapshot, cancellation.cancel)


def test_nothing_starts_once_cancelled(repository: Path, cancellation: Cancellation) -> None:
    cancellation.cancel()
    with pytest.raises(GitCancelledError):
        run_git(repository, ["status"])


def test_a_reader_that_dies_is_an_error(repository: Path) -> None:
    with sealed(object_folder(repository)) as own, blob_reader(own) as reader:
        assert reader.read("0" * 40) is None
        reader._process.kill()
        reader._process.wait()
        with pytest.raises(GitError, match="git cat-file ended too early"):
            reader.read("0" * 40)


def test_a_reader_that_hangs_is_an_error(repository: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(fake, "exec sleep 60")
    monkeypatch.setattr(runner, "TIME_LIMIT", 0.2)
    with (
        sealed(object_folder(repository)) as own,
        blob_reader(own) as reader,
        pytest.raises(GitError, match=r"git cat-file did not finish within 0\.2 s"),
    ):
        reader.read("0" * 40)


def test_trees_are_read_by_several_threads_at_once(repository: Path) -> None:
    snapshot = CommitSnapshot(repository, git(repository, "rev-parse", "HEAD"))
    contents: list[bytes | None] = []

    def read() -> None:
        with snapshot.open() as tree:
            contents.extend(tree.read("x.py") for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents == [b"x = 1\n"] * 80


def test_a_clone_without_contents_fetches_none_by_itself(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{repository}", "partial")
    head = git(repository, "rev-parse", "HEAD")
    with CommitSnapshot(tmp_path / "partial", head).open() as tree:
        assert tree.kind("x.py") == "file"
        assert tree.files_with("x") == []
        with pytest.raises(GitError, match=r"content of 'x\.py' was not fetched"):
            tree.read("x.py")
    assert git(tmp_path / "partial", "rev-list", "--objects", "--all", "--missing=print").count("?") == 2


def test_nothing_is_written_into_a_repository(repository: Path, tmp_path: Path) -> None:
    bare = bare_clone(repository, tmp_path / "bare")
    before = {path: path.stat().st_mtime_ns for path in bare.rglob("*")}
    with CommitSnapshot(bare, git(bare, "rev-parse", "HEAD")).open() as tree:
        assert tree.apply_check(b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n") is None
        assert tree.apply_check(b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-x = 2\n+x = 3\n") is not None
    assert {path: path.stat().st_mtime_ns for path in bare.rglob("*")} == before
