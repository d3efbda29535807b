"""The predictions file of one model."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import msgspec

from swebench_tui.bench.predictions import json_lines
from swebench_tui.bench.predictions.errors import PredictionsError
from swebench_tui.bench.predictions.json_lines import TornTail
from swebench_tui.bench.predictions.prediction import Prediction

if TYPE_CHECKING:
    from pathlib import Path

_CHECK_HINT = "`swebench-tui predictions check {path}` lists what is wrong. Mend it, or name another --output."


class Known(msgspec.Struct, frozen=True):
    """A prediction of the file. `prompt_hash` is "" where the record has none."""

    instance_id: str
    prompt_hash: str = ""


class PredictionsFile:
    """One record a line, one model, every instance once. Several processes and threads may add to it.

    All methods block, and raise `PredictionsError`.
    """

    def __init__(self, path: Path, model: str) -> None:
        """Reads what the file holds, after mending its tail. It is created by the first `add`."""
        self.path = path
        self.torn: TornTail | None = None
        """The torn last line that was moved aside when the file was opened."""
        self.model = model
        self._known: dict[str, Known] = {}
        self._read_to = 0
        self._inode = 0
        self._line = 0
        if self._status() is not None:
            with json_lines.locked(path):
                self.torn = json_lines.mend(path)
                self.refresh()

    @property
    def known(self) -> dict[str, Known]:
        """The predictions by instance, as of the last `refresh` or `add`."""
        return self._known

    def refresh(self) -> None:
        """Read what other processes have added. Reads only what is new."""
        status = self._status()
        if status is None or status.st_ino != self._inode or status.st_size < self._read_to:
            self._known, self._read_to, self._line = {}, 0, 0  # removed or replaced
        self._inode = status.st_ino if status else 0
        for end, line in json_lines.read_lines(self.path, self._read_to):
            self._line += 1
            known = self._decode(line)
            if known.instance_id in self._known:
                raise self._broken(f"a second prediction for {known.instance_id!r}")
            self._known[known.instance_id] = known
            self._read_to = end

    def add(self, prediction: Prediction, *, replace: bool = False) -> TornTail | None:
        """Add a prediction and sync the file. Returns the torn last line that was moved aside.

        An instance that the file already has is refused, or replaced by writing the file anew in one step.
        """
        if prediction.model_name_or_path != self.model:
            raise PredictionsError(
                f"{self.path} is of {self.model!r}, not {prediction.model_name_or_path!r}",
                hint="A predictions file is of one model: name another --output.",
            )
        line = json_lines.encode_line(prediction.record())
        with json_lines.locked(self.path):
            torn = json_lines.mend(self.path)
            self.refresh()
            if prediction.instance_id in self._known:
                if not replace:
                    raise PredictionsError(
                        f"{self.path} already has a prediction for {prediction.instance_id!r}",
                        hint="Pass --replace to replace it, or name another --output.",
                    )
                self._replace(prediction.instance_id, line)
            else:
                json_lines.append(self.path, line)
            self.refresh()
        return torn

    def _status(self) -> os.stat_result | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PredictionsError(f"{self.path} cannot be read: {error.strerror}", hint="Make it readable.") from error
        if not stat.S_ISREG(status.st_mode):
            raise PredictionsError(f"{self.path} is not a regular file", hint="Name another --output.")
        return status

    def _replace(self, instance_id: str, line: bytes) -> None:
        others = (each for _, each in json_lines.read_lines(self.path))
        lines = [line if self._decode(each).instance_id == instance_id else each for each in others]
        json_lines.replace(self.path, lines)

    def _decode(self, line: bytes) -> Known:
        try:
            record = json_lines.decode_line(line)
        except ValueError as error:
            raise self._broken(str(error)) from error
        instance_id, model = record.get("instance_id"), record.get("model_name_or_path")
        if not isinstance(instance_id, str) or not isinstance(model, str):
            raise self._broken("`instance_id` or `model_name_or_path` is missing")
        if model != self.model:
            raise self._broken(f"it is of the model {model!r}, not {self.model!r}")
        return Known(instance_id, _prompt_hash(record))

    def _broken(self, what: str) -> PredictionsError:
        return PredictionsError(f"{self.path}:{self._line}: {what}", hint=_CHECK_HINT.format(path=self.path))


def _prompt_hash(record: dict[str, Any]) -> str:
    provenance = record.get("provenance")
    value = provenance.get("prompt_hash") if isinstance(provenance, dict) else None
    return value if isinstance(value, str) else ""
