"""The answers file beside a predictions file: every answer as it came, and what was made of it.

It has two kinds of lines. An `answer` is written as soon as the model has ended, so that nothing that was paid for is
lost. A `patch` follows once the answer has been checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from swebench_tui.bench.predictions import json_lines
from swebench_tui.bench.predictions.pick_record import PickRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="answer"):
    """An answer that ended done, failed or cancelled, with all that had arrived. `cost` is in USD; None is unknown."""

    instance_id: str
    target: str
    model: str
    prompt_hash: str
    time: str
    state: str
    text: str
    reasoning: str = ""
    finish_reason: str | None = None
    request_id: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    cost_estimated: bool = False
    context: str = ""
    guided: bool = False
    error: str | None = None
    pick: PickRecord | None = None


class StoredPatch(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="patch"):
    """The verdict on an instance's last answer.

    `extracted` has the parts of the answer that the patch can come from, `patch` is the patch after repairs, and
    `submitted` whether the prediction holds it.
    """

    instance_id: str
    prompt_hash: str
    status: str
    failure: str | None = None
    detail: str = ""
    files: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    extracted: str = ""
    patch: str = ""
    submitted: bool = False


Stored = StoredAnswer | StoredPatch


class AnswersFile:
    """A private file, since answers may hold code of private repositories.

    All methods block, and raise `PredictionsError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, record: Stored) -> json_lines.TornTail | None:
        """Add a record and sync the file. Returns the torn last line that was moved aside."""
        line = json_lines.encode_line(msgspec.to_builtins(record))
        with json_lines.locked(self.path):
            return json_lines.append(self.path, line, private=True)

    def read(self) -> Iterator[Stored]:
        """The records in the order in which they were written. A line that is none is passed over."""
        for _, line in json_lines.read_lines(self.path):
            record = _record(line)
            if record is not None:
                yield record

    def unused(self, prompt_hashes: Mapping[str, str]) -> dict[str, StoredAnswer]:
        """The last complete answer of each instance whose prediction is of another prompt, or was never written.

        `prompt_hashes` are those of the predictions by instance.
        """
        found: dict[str, StoredAnswer] = {}
        for record in self.read():
            if isinstance(record, StoredAnswer) and record.state == "done":
                found[record.instance_id] = record
        return {name: answer for name, answer in found.items() if prompt_hashes.get(name) != answer.prompt_hash}


def _record(line: bytes) -> Stored | None:
    try:
        value: dict[str, Any] = json_lines.decode_line(line)
        stored: Stored = msgspec.convert(value, Stored)
    except (ValueError, msgspec.ValidationError):
        return None
    return stored
