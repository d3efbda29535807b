"""A git directory of our own in front of another repository's objects.

Git reads configuration, hooks, references, grafts and replacements from its directory. In a sealed one all of them are
ours, so nothing that a repository holds can start a program, reach a network or show other objects than those that were
asked for: the attributes of its files name filters and drivers that no configuration defines. Objects alone are read
from the repository, and are never written to it.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.git.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_POINTER = 4096  # bytes of a `.git` file


class SealedFolder(msgspec.Struct, frozen=True):
    """Where git runs, and the variables with which it reads the repository."""

    folder: Path
    variables: dict[str, str]


@contextmanager
def sealed(objects: Path | None = None, *, work_tree: Path | None = None) -> Iterator[SealedFolder]:
    """A git directory of our own with the objects in the folder `objects` and, if given, the files in `work_tree`.

    `folder` of the result is a temporary folder: an index can be kept there.
    """
    with tempfile.TemporaryDirectory(prefix="swebench-tui-git-") as name:
        folder = Path(name)
        for part in ("objects", "refs"):
            (folder / part).mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        bare = "true" if work_tree is None else "false"
        (folder / "config").write_text(f"[core]\n\trepositoryFormatVersion = 0\n\tbare = {bare}\n", encoding="ascii")
        variables = {"GIT_DIR": str(folder), "GIT_INDEX_FILE": str(folder / "index")}
        if objects is not None:
            variables["GIT_OBJECT_DIRECTORY"] = str(objects.resolve())
        if work_tree is not None:
            variables["GIT_WORK_TREE"] = str(work_tree.resolve())
        yield SealedFolder(folder, variables)


def git_directory(repository: Path) -> Path:
    """The git directory of a checkout, a worktree or a bare repository. Raises `GitError` where there is none."""
    pointer = repository / ".git"
    if pointer.is_file():
        with pointer.open("rb") as file:
            content = file.read(_LONGEST_POINTER).decode("utf-8", "surrogateescape")
        if content.startswith("gitdir: "):
            return repository / content.removeprefix("gitdir: ").rstrip("\n")
    directory = pointer if pointer.is_dir() else repository
    if not (directory / "HEAD").exists() or not (directory / "objects").is_dir():
        raise GitError(f"not a git repository: {repository}")
    return directory


def object_folder(repository: Path) -> Path:
    """The folder with the objects of a repository. Raises `GitError` where there is none."""
    directory = git_directory(repository)
    common = directory / "commondir"  # of a worktree
    if common.is_file():
        with common.open("rb") as file:
            directory /= file.read(_LONGEST_POINTER).decode("utf-8", "surrogateescape").rstrip("\n")
    objects = directory / "objects"
    if not objects.is_dir():
        raise GitError(f"not a git repository: {repository}")
    return objects
