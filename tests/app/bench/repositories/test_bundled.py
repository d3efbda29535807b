from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swebench_tui.bench import repositories
from swebench_tui.bench.datasets import load
from swebench_tui.bench.repositories.bundled import CheckoutError, base_commit, bundled, checkout

REPO = "starter/tillroll"
TASKS = load("starter").instances
REPOS = sorted({task.repo for task in TASKS})


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("repo", REPOS)
def test_a_checkout_is_clean_and_has_the_tasks_commit(tmp_path: Path, repo: str) -> None:
    folder = checkout(repo, tmp_path)
    assert {git(folder, "log", "--all", "--format=%H")} == {task.base_commit for task in TASKS if task.repo == repo}
    assert git(folder, "status", "--porcelain", "--ignored") == ""


def test_a_repository_has_the_same_commit_in_all_its_tasks() -> None:
    assert all(task.base_commit == task.environment_setup_commit == base_commit(task.repo) for task in TASKS)


def test_the_commit_is_independent_of_user_and_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("*.py\n")
    (home / ".config" / "git" / "attributes").write_text("* text eol=crlf ident\n")
    (home / ".gitconfig").write_text("[user]\nname = Somebody\n[core]\nautocrlf = true\n[commit]\ngpgSign = true\n")
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_DEFAULT_HASH": "sha256",
        "TZ": "JST-9",
    }.items():
        monkeypatch.setenv(name, value)
    previous = os.umask(0o077)
    try:
        folder = checkout(REPO, tmp_path / "checkouts")
    finally:
        os.umask(previous)
    assert folder.is_dir()  # else the commit was another one
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(folder, "status", "--porcelain") == ""


def test_caches_and_hidden_files_are_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("pkg/__pycache__/a.pyc", ".pytest_cache/b", ".DS_Store", "pkg/a.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"x = 1\r\n")
    repositories.bundled._copy(source, tmp_path / "copy")
    assert [path for path in (tmp_path / "copy").rglob("*") if path.is_file()] == [tmp_path / "copy" / "pkg" / "a.py"]
    assert (tmp_path / "copy" / "pkg" / "a.py").read_bytes() == b"x = 1\r\n"


def test_a_checkout_is_made_once(tmp_path: Path) -> None:
    folder = checkout(REPO, tmp_path)
    made = (folder / ".git" / "HEAD").stat().st_mtime_ns
    assert checkout(REPO, tmp_path) == folder
    assert (folder / ".git" / "HEAD").stat().st_mtime_ns == made
    assert list(tmp_path.iterdir()) == [folder]


def test_processes_that_race_for_a_checkout_all_get_it(tmp_path: Path) -> None:
    program = "import pathlib, sys; from swebench_tui.bench.repositories.bundled import checkout\n"
    program += "print(checkout(sys.argv[1], pathlib.Path(sys.argv[2])))"
    command = [sys.executable, "-c", program, REPO, str(tmp_path)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {racer.communicate()[0].strip() for racer in racers}
    assert printed == {str(path) for path in tmp_path.iterdir()}
    assert [racer.returncode for racer in racers] == [0, 0, 0]


def test_the_second_process_keeps_the_first_checkout(tmp_path: Path) -> None:
    folder = checkout(REPO, tmp_path)
    (folder / "mine.txt").write_text("kept")
    repositories.bundled._make(REPO, base_commit(REPO), folder)
    assert (folder / "mine.txt").read_text() == "kept"
    assert list(tmp_path.iterdir()) == [folder]


def test_byte_code_in_a_checkout_is_no_change(tmp_path: Path) -> None:
    folder = checkout(REPO, tmp_path)
    (folder / "tillroll" / "__pycache__").mkdir()
    (folder / "tillroll" / "__pycache__" / "money.pyc").write_bytes(b"")
    assert checkout(REPO, tmp_path) == folder


@pytest.mark.parametrize(
    "change", ["echo >> README.md", "touch new.py", "rm tillroll/money.py", "git commit -q --allow-empty -m x"]
)
def test_a_changed_checkout_is_never_handed_out(tmp_path: Path, change: str) -> None:
    folder = checkout(REPO, tmp_path)
    who = {f"GIT_{role}_{what}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["sh", "-c", change], cwd=folder, env=os.environ | who, check=True)
    with pytest.raises(CheckoutError, match="was changed since it was created") as caught:
        checkout(REPO, tmp_path)
    assert "delete that folder" in caught.value.hint


def test_a_folder_without_git_is_not_taken_for_a_checkout(tmp_path: Path) -> None:
    folder = checkout(REPO, tmp_path)
    (folder / ".git").rename(tmp_path / "gone")
    with pytest.raises(CheckoutError, match="not a git repository"):
        checkout(REPO, tmp_path)


def test_changed_bundled_files_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match=f"have commit id {base_commit(REPO)}, not 0000") as caught:
        repositories.bundled._make(REPO, "0" * 40, tmp_path / "checkout")
    assert "install the program again" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_git_the_error_says_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckoutError, match="git was not found") as caught:
        checkout(REPO, tmp_path / "checkouts")
    assert "Install git" in caught.value.hint


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckoutError, match=f"the checkout of {REPO} cannot be written: .*file"):
        checkout(REPO, tmp_path / "file" / "checkouts")


def test_a_place_taken_by_something_else_is_named(tmp_path: Path) -> None:
    place = checkout(REPO, tmp_path / "elsewhere").name
    (tmp_path / place).symlink_to("nowhere")
    with pytest.raises(CheckoutError, match=f"the checkout of {REPO} cannot be written: .*{place}"):
        checkout(REPO, tmp_path)


@pytest.mark.parametrize("repo", REPOS)
def test_the_repositories_of_the_starter_tasks_are_bundled(repo: str) -> None:
    assert bundled(repo)


@pytest.mark.parametrize(
    "repo", ["django/django", "tillroll", "starter/../tillroll", "starter/", "", "starter/tillroll/tests"]
)
def test_no_other_repository_is_bundled(tmp_path: Path, repo: str) -> None:
    assert not bundled(repo)
    with pytest.raises(CheckoutError, match="is not bundled") as caught:
        checkout(repo, tmp_path)
    assert REPO in caught.value.hint
    assert list(tmp_path.iterdir()) == []
