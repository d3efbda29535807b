"""Answers of first calls on disk, so that a run that is stopped and continued does not pay for them again."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.task import Pick
from swebench_tui.settings import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

    from swebench_tui.runs.target import Target

_pick = msgspec.json.Decoder(Pick)


class PickStore:
    """One file for each target and prompt, below `folder`. Methods block; they raise `SettingsError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, target: Target, prompt_hash: str) -> Pick | None:
        """The kept answer to this prompt; None if there is none, or none that can be read."""
        text = atomic_file.read(self._file(target, prompt_hash))
        try:
            return None if text is None else _pick.decode(text)
        except msgspec.DecodeError:
            return None

    def keep(self, target: Target, pick: Pick) -> None:
        """Keep an answer, whole or not at all."""
        file = self._file(target, pick.prompt_hash)
        with atomic_file.locked(file):
            atomic_file.replace(file, msgspec.json.encode(pick).decode())

    def _file(self, target: Target, prompt_hash: str) -> Path:
        name = sha256(msgspec.json.encode([str(target), target.temperature, prompt_hash])).hexdigest()
        return self._folder / f"{name[:32]}.json"
