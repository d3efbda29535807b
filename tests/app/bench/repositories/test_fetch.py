"""Fetching commits with a real git over HTTP on loopback and from folders."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_tui.bench.git import Cancellation, GitCancelledError, cancellable
from swebench_tui.bench.repositories.clone import Clone, missing_files
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.fetch import fetch_commits, newest_commit
from swebench_tui.bench.repositories.progress import FetchProgress
from swebench_tui.bench.repositories.remote import Remote
from tests.git_repositories import bare_clone, commit, git, make_checkout
from tests.git_server import GitServer, serving

REPO = "owner/name"
FILES: dict[str, str | bytes] = {f"pkg/m{number}.py": f"x = {number}\n" * 50 for number in range(30)}


class Origin:
    """A repository `owner/name` with three commits, and the folder `root` to serve it from."""

    def __init__(self, folder: Path, commits: tuple[str, str, str]) -> None:
        self.first, self.second, self.removed = commits
        self.checkout = folder / "checkout"
        self.root = folder / "served"
        self.bare = self.root / f"{REPO}.git"

    @property
    def folder_remote(self) -> Remote:
        return Remote(f"file://{self.root}/{{repo}}.git")


@pytest.fixture(scope="module")
def made_origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, str, str]]:
    folder = tmp_path_factory.mktemp("origin")
    checkout = make_checkout(folder / "checkout", {**FILES, "logo.png": b"\x89PNG\0", "link": "x"})
    first = commit(checkout)
    second = commit(checkout, {"pkg/m1.py": "changed\n"})
    removed = commit(checkout, {"pkg/m2.py": "not on a branch any more\n"})
    git(checkout, "tag", "keep")  # until it has been cloned
    (folder / "served" / "owner").mkdir(parents=True)
    bare = bare_clone(checkout, folder / "served" / f"{REPO}.git")
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(bare, "update-ref", "refs/heads/main", second)
    git(bare, "tag", "-d", "keep")
    return folder, (first, second, removed)


@pytest.fixture
def origin(made_origin: tuple[Path, tuple[str, str, str]], tmp_path: Path) -> Origin:
    folder, commits = made_origin
    shutil.copytree(folder, tmp_path / "origin")
    return Origin(tmp_path / "origin", commits)


@pytest.fixture
def server(origin: Origin) -> Iterator[GitServer]:
    with serving(origin.root) as running:
        yield running


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "cache", REPO)


def contents(clone: Clone, commit_id: str) -> dict[str, bytes | None]:
    with CommitSnapshot(clone.folder, commit_id).open() as tree:
        return {path: tree.read(path) for path in tree.files() if path.endswith(".py")}


def expected(origin: Origin, commit_id: str) -> dict[str, bytes]:
    return {path: f"{git(origin.checkout, 'show', f'{commit_id}:{path}')}\n".encode() for path in FILES}


def posts(server: GitServer) -> int:
    return sum(line.startswith("POST") for line in server.requests)


def test_a_commit_is_readable_and_has_no_history(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.second], server.remote)
    assert contents(clone, origin.second) == expected(origin, origin.second)
    assert clone.has(origin.second)
    assert clone.commits() == [origin.second]
    assert missing_files(clone.folder, origin.first) is None


def test_all_files_come_in_one_request(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.second], server.remote)
    wanting_files = [body for body in server.received if body.count("want ") > 1]
    assert len(wanting_files) == 1
    assert wanting_files[0].count("want ") == len(FILES) + 1  # and the file called link


def test_files_that_are_no_text_are_not_fetched(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.second], server.remote)
    with CommitSnapshot(clone.folder, origin.second).open() as tree:
        assert tree.kind("logo.png") == "file"
        with pytest.raises(Exception, match="content of 'logo"):
            tree.read("logo.png")
        assert "logo.png" not in tree.files_with("PNG")


def test_of_a_second_commit_only_changes_are_fetched(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.first], server.remote)
    server.received.clear()
    fetch_commits(clone, [origin.second], server.remote)
    changed = git(origin.checkout, "rev-parse", f"{origin.second}:pkg/m1.py")
    wanted = [part[:40] for body in server.received for part in body.split("want ")[1:]]
    assert wanted == [origin.second, changed]
    assert contents(clone, origin.second) == expected(origin, origin.second)


def test_a_commit_that_is_here_needs_no_network(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.first, origin.second], server.remote)
    server.requests.clear()
    fetch_commits(clone, [origin.second, origin.first], server.remote)
    assert server.requests == []


def test_a_commit_on_no_branch_is_fetched_by_its_id(origin: Origin, server: GitServer, clone: Clone) -> None:
    fetch_commits(clone, [origin.removed], server.remote)
    assert contents(clone, origin.removed) == expected(origin, origin.removed)


@pytest.mark.parametrize("first_protocol", [False, True])
@pytest.mark.parametrize("filters", [False, True])
def test_servers_of_all_abilities_are_fetched_from(
    origin: Origin, server: GitServer, clone: Clone, first_protocol: bool, filters: bool
) -> None:
    git(origin.bare, "config", "uploadpack.allowFilter", str(filters).lower())
    server.first_protocol = first_protocol
    for each in (origin.second, origin.first):
        fetch_commits(clone, [each], server.remote)
        assert contents(clone, each) == expected(origin, each)


def test_a_server_without_ids_names_what_it_lacks(origin: Origin, server: GitServer, clone: Clone) -> None:
    server.first_protocol = True
    with pytest.raises(RepositoryError, match=f"has no commit {origin.removed}$"):
        fetch_commits(clone, [origin.removed, origin.first], server.remote)
    assert contents(clone, origin.first) == expected(origin, origin.first)


def test_commits_the_server_lacks_are_named_and_others_fetched(origin: Origin, server: GitServer, clone: Clone) -> None:
    with pytest.raises(RepositoryError, match=f"{REPO}: .* has no commit {'0' * 39}1, {'0' * 39}2$") as caught:
        fetch_commits(clone, ["0" * 39 + "1", origin.first, "0" * 39 + "2"], server.remote)
    assert "may be in a fork" in caught.value.hint
    assert contents(clone, origin.first) == expected(origin, origin.first)


def test_progress_names_the_steps_in_order(origin: Origin, server: GitServer, clone: Clone) -> None:
    seen: list[FetchProgress] = []
    fetch_commits(clone, [origin.first], server.remote, seen.append)
    steps = list(dict.fromkeys(progress.step for progress in seen))
    assert steps == ["commits", "checking", "files"]
    assert (seen[-1].repo, seen[-1].step, seen[-1].percent) == (REPO, "files", 100)


def test_cancelling_ends_git_at_once(origin: Origin, server: GitServer, clone: Clone) -> None:
    server.held = threading.Event()
    cancellation, ended = Cancellation(), threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with cancellable(cancellation):
                fetch_commits(clone, [origin.first], server.remote)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)
        ended.set()

    threading.Thread(target=run).start()
    assert server.reached.wait(10)
    cancellation.cancel()
    assert ended.wait(10)
    assert [type(error) for error in errors] == [GitCancelledError]
    server.held.set()
    server.held = None
    fetch_commits(clone, [origin.first], server.remote)
    assert clone.has(origin.first)


def test_a_cut_download_is_no_clone_and_is_fetched_again(origin: Origin, server: GitServer, clone: Clone) -> None:
    server.cut_after = 300
    with pytest.raises(RepositoryError, match="cannot reach http://127"):
        fetch_commits(clone, [origin.first], server.remote)
    assert not clone.has(origin.first)
    assert list(clone.folder.rglob("tmp_*")) == []
    server.cut_after = None
    fetch_commits(clone, [origin.first], server.remote)
    assert contents(clone, origin.first) == expected(origin, origin.first)


FETCH = """
import sys
from pathlib import Path
from swebench_tui.bench.repositories.clone import Clone
from swebench_tui.bench.repositories.fetch import fetch_commits
from swebench_tui.bench.repositories.remote import Remote
fetch_commits(Clone(Path(sys.argv[1]), "owner/name"), sys.argv[3:], Remote(sys.argv[2], transports=("http",)))
"""


def start(clone: Clone, server: GitServer, *commits: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", FETCH, str(clone.cache), server.remote.template, *commits]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def test_processes_that_race_for_a_clone_all_get_it(origin: Origin, server: GitServer, clone: Clone) -> None:
    racers = [start(clone, server, each) for each in (origin.first, origin.second, origin.first)]
    assert [(racer.communicate()[1], racer.returncode) for racer in racers] == [(b"", 0)] * 3
    assert clone.has(origin.first)
    assert clone.has(origin.second)
    assert posts(server) <= 8  # two commits, each with its files


def test_a_process_killed_in_mid_fetch_leaves_nothing_false(origin: Origin, server: GitServer, clone: Clone) -> None:
    server.held = threading.Event()
    process = start(clone, server, origin.first)
    assert server.reached.wait(20)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not clone.has(origin.first)
    (clone.folder / "objects" / "pack" / "tmp_pack_abc").write_bytes(b"half")
    server.held.set()
    server.held = None
    fetch_commits(clone, [origin.first], server.remote)
    assert contents(clone, origin.first) == expected(origin, origin.first)
    assert not (clone.folder / "objects" / "pack" / "tmp_pack_abc").exists()


def test_half_made_clones_are_cleared_away(origin: Origin, clone: Clone) -> None:
    half_made = clone.cache / f".making-{clone.folder.name}~abc"
    (half_made / "clone").mkdir(parents=True)
    clone.folder.mkdir()
    fetch_commits(clone, [origin.first], origin.folder_remote)
    assert not half_made.exists()
    assert clone.has(origin.first)


def test_the_newest_commit_is_the_default_branchs(origin: Origin, server: GitServer) -> None:
    assert newest_commit(REPO, server.remote) == origin.second


def test_an_empty_repository_has_no_newest_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "owner/name.git")
    with pytest.raises(RepositoryError, match="has no commits"):
        newest_commit(REPO, Remote(f"file://{tmp_path}/{{repo}}.git"))


@pytest.mark.parametrize(
    ("status", "what"),
    [(401, "does not exist or needs a login"), (404, "does not exist or needs a login"), (503, "cannot reach http://")],
)
def test_a_status_of_the_server_becomes_a_sentence(clone: Clone, server: GitServer, status: int, what: str) -> None:
    server.status = status
    with pytest.raises(RepositoryError, match=what):
        fetch_commits(clone, ["1" * 40], server.remote)


def test_without_network_the_error_says_what_to_do(clone: Clone) -> None:
    with pytest.raises(RepositoryError, match=r"owner/name: cannot reach https://x.invalid/owner/name") as caught:
        fetch_commits(clone, ["1" * 40], Remote("https://x.invalid/{repo}"))
    assert "set a mirror" in caught.value.hint


def test_a_redirect_to_another_transport_is_refused(origin: Origin, clone: Clone, server: GitServer) -> None:
    server.redirect_to = f"file://{origin.bare}/info/refs?service=git-upload-pack"
    with pytest.raises(RepositoryError):
        fetch_commits(clone, [origin.first], server.remote)
    assert not clone.has(origin.first)


def test_without_git_the_error_says_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match="git was not found") as caught:
        newest_commit(REPO, Remote())
    assert "Install git" in caught.value.hint


def test_a_cache_that_cannot_be_written_is_named(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RepositoryError, match=r"cannot write .*file"):
        fetch_commits(Clone(tmp_path / "file" / "cache", REPO), [origin.first], origin.folder_remote)


def test_a_password_is_neither_in_files_nor_errors(origin: Origin, clone: Clone, server: GitServer) -> None:
    with_password = Remote(server.remote.template.replace("://", "://user:s3cret@"), transports=("http",))
    fetch_commits(clone, [origin.first], with_password)
    assert not [path for path in clone.folder.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]
    server.status = 503
    with pytest.raises(RepositoryError) as caught:
        fetch_commits(clone, [origin.second], with_password)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_a_tampered_configuration_of_a_clone_is_not_used(origin: Origin, clone: Clone, tmp_path: Path) -> None:
    fetch_commits(clone, [origin.first], origin.folder_remote)
    canary = tmp_path / "canary"
    with (clone.folder / "config").open("a") as config:
        config.write(f'[remote "origin"]\n\tuploadpack = touch {canary};\n\turl = ext::touch {canary}\n')
        config.write(f"[core]\n\tsshCommand = touch {canary}\n\talternateRefsCommand = touch {canary}\n")
    fetch_commits(clone, [origin.second], origin.folder_remote)
    assert not canary.exists()
    assert clone.has(origin.second)


def test_the_users_git_variables_reach_no_clone(
    origin: Origin, clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{tmp_path}/elsewhere.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "file://")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    fetch_commits(clone, [origin.first], origin.folder_remote)
    assert clone.has(origin.first)
    assert not (tmp_path / "elsewhere").exists()
