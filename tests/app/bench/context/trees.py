"""Trees in memory, tasks and token counters for the tests of contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.snapshot import EntryKind


class MemoryTree:
    """A tree whose regular files are those of a mapping."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.reads: list[str] = []

    def kind(self, path: str) -> EntryKind | None:
        if path in self._files:
            return "file"
        return "folder" if any(file.startswith(f"{path}/") for file in self._files) else None

    def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return self._files.get(path)

    def blob_id(self, path: str) -> str | None:
        raise NotImplementedError

    def files(self) -> Sequence[str]:
        return sorted(self._files)

    def files_with(self, line: str) -> Sequence[str]:
        raise NotImplementedError

    def apply_check(self, patch: bytes) -> str | None:
        raise NotImplementedError


def task(issue: str, *, patch: str = "", commit: str = "c0ffee00" * 5) -> Instance:
    return Instance(
        repo="owner/name", instance_id="owner__name-1", base_commit=commit, problem_statement=issue, patch=patch
    )


def count_roughly(text: str) -> int:
    """Words and line ends: cheap, and roughly as many as tokens."""
    return len(text.split()) + text.count("\n")
