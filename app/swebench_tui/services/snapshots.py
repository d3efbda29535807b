"""The repository of a task at its base commit, where it is on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.repositories import bundled
from swebench_tui.bench.repositories.snapshot import FolderSnapshot

if TYPE_CHECKING:
    from pathlib import Path

    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.snapshot import Snapshot


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, and whether the program itself contains the repository."""

    snapshot: Snapshot | None = None
    bundled: bool = False


def find_snapshot(instance: Instance, *, repositories: Path) -> Found:
    """The snapshot of a task. Blocks. Raises `CheckoutError` for a bundled repository that cannot be checked out."""
    if bundled.bundled(instance.repo) and bundled.base_commit(instance.repo) == instance.base_commit:
        return Found(snapshot=FolderSnapshot(bundled.checkout(instance.repo, repositories)), bundled=True)
    return Found()
