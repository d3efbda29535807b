"""Fetching the repository of a task from the Compare screen."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from textual.worker import Worker

from swebench_tui.bench.instance import Instance
from swebench_tui.settings.definitions import Repositories, Settings
from tests.app.tui.pilot import compare_screen, pick_dataset, running, shown, task_bar, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

ONE = ("compatible:m",)


@pytest.fixture
def server(tmp_path: Path) -> tuple[Path, Instance]:
    """A folder that serves `acme/rocket`, and a task of it."""
    repo = tmp_path / "served" / "acme" / "rocket"
    repo.mkdir(parents=True)
    (repo / "rocket.py").write_text("def fly():\n    raise NotImplementedError\n")
    git = ["git", "-C", str(repo), "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["config", "uploadpack.allowFilter", "true"], ["add", "."]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([*git, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    task = Instance(
        repo="acme/rocket", instance_id="acme__rocket-1", base_commit=commit, problem_statement="fly() fails"
    )
    return tmp_path / "served", task


def workspace_of(served: Path, tmp_path: Path) -> StandInWorkspace:
    places = Repositories(folder=str(tmp_path / "clones"), mirror=f"file://{served}/{{repo}}")
    return StandInWorkspace(Settings(repositories=places))


def written(tmp_path: Path, task: Instance) -> Path:
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(msgspec.json.encode(task) + b"\n")
    return file


async def test_f_fetches_the_files_of_a_task(server: tuple[Path, Instance], tmp_path: Path) -> None:
    served, task = server
    async with running(*ONE, workspace=workspace_of(served, tmp_path), size=(120, 40)) as pilot:
        assert "fetch files" not in shown(pilot.app.screen)
        await pick_dataset(pilot, written(tmp_path, task))
        await wait_until(pilot, lambda: "1 of 1 tasks" in shown(pilot.app.screen), what="the task")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Context: issue only" in task_bar(pilot), what="a prompt without files")
        await wait_until(pilot, lambda: "f fetch files" in shown(pilot.app.screen), what="the key")
        await pilot.press("f")
        await wait_until(pilot, lambda: "Context: search: 1 file" in task_bar(pilot), what="the files", within=30)
        prompt = compare_screen(pilot).task_prompt
        assert prompt is not None
        assert prompt.snapshot is not None
        assert "NotImplementedError" in prompt.prompt
        assert "f fetch files" not in shown(pilot.app.screen)


async def test_a_failed_fetch_says_why_and_keeps_the_task(server: tuple[Path, Instance], tmp_path: Path) -> None:
    served, task = server
    gone = msgspec.structs.replace(task, base_commit="1" * 40)
    async with running(*ONE, workspace=workspace_of(served, tmp_path), size=(120, 40)) as pilot:
        await pick_dataset(pilot, written(tmp_path, gone))
        await wait_until(pilot, lambda: "1 of 1 tasks" in shown(pilot.app.screen), what="the task")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "f fetch files" in shown(pilot.app.screen), what="the key")
        before = compare_screen(pilot).task_prompt
        await pilot.press("f")
        await wait_until(pilot, lambda: "✗ " in task_bar(pilot), what="the error", within=30)
        assert "1" * 12 in task_bar(pilot)
        assert compare_screen(pilot).task_prompt is before


async def test_escape_stops_a_fetch(
    server: tuple[Path, Instance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, task = server
    upload_pack = tmp_path / "bin" / "git"
    upload_pack.parent.mkdir()
    real = shutil.which("git") or "git"
    upload_pack.write_text(f'#!/bin/sh\ncase "$*" in *fetch*) sleep 60;; *) exec {real} "$@";; esac\n')
    upload_pack.chmod(0o755)
    async with running(*ONE, workspace=workspace_of(served, tmp_path), size=(120, 40)) as pilot:
        await pick_dataset(pilot, written(tmp_path, task))
        await wait_until(pilot, lambda: "1 of 1 tasks" in shown(pilot.app.screen), what="the task")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "f fetch files" in shown(pilot.app.screen), what="the key")
        monkeypatch.setenv("PATH", f"{upload_pack.parent}:{Path(real).parent}:/usr/bin:/bin")
        await pilot.press("f")
        await wait_until(pilot, lambda: "Fetching acme/rocket" in task_bar(pilot), what="the progress", within=30)
        fetching = compare_screen(pilot)._fetching
        assert isinstance(fetching, Worker)
        await pilot.press("escape")
        await wait_until(pilot, lambda: fetching.is_finished, what="the end of the fetch")
        await wait_until(pilot, lambda: "Context: issue only" in task_bar(pilot), what="the task again")
