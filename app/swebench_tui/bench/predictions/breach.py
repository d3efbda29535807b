"""The rules of predictions files: what breaks them, who refuses it, and what to do."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, NamedTuple

import msgspec

Severity = Literal["error", "warning"]
Reader = Literal["harness", "sb-cli"]

_BOTH: Final[tuple[Reader, ...]] = ("harness", "sb-cli")
_HARNESS: Final[tuple[Reader, ...]] = ("harness",)
_SB_CLI: Final[tuple[Reader, ...]] = ("sb-cli",)


class _Facts(NamedTuple):
    code: str
    severity: Severity
    readers: tuple[Reader, ...]
    fix: str


class Rule(Enum):
    """One rule, as read in swebench 5.0.2 and sb-cli 0.1.5. `readers` are those that refuse or misread the file."""

    SUFFIX = _Facts("suffix", "error", _HARNESS, "Name the file .jsonl, or .json for a list or an object of records.")
    TOO_LARGE = _Facts("too_large", "error", (), "Write one record a line into a .jsonl file.")
    NOT_UTF8 = _Facts("not_utf8", "error", _BOTH, "Write JSON with ASCII escapes.")
    BYTE_ORDER_MARK = _Facts("byte_order_mark", "error", _BOTH, "Save the file without a byte order mark.")
    NOT_JSON = _Facts("not_json", "error", _BOTH, "Remove the line, or write the record again.")
    BLANK_LINE = _Facts("blank_line", "error", _BOTH, "Remove the line.")
    WRONG_SHAPE = _Facts(
        "wrong_shape", "error", _BOTH, "A .json file is a list of records, or an object from id to record."
    )
    NOT_AN_OBJECT = _Facts("not_an_object", "error", _BOTH, "A record is an object with the three keys.")
    NO_PREDICTIONS = _Facts("no_predictions", "error", _BOTH, "Add predictions.")
    MISSING_KEY = _Facts(
        "missing_key", "error", _BOTH, "Every record needs instance_id, model_name_or_path, model_patch."
    )
    WRONG_TYPE = _Facts(
        "wrong_type", "error", _HARNESS, "instance_id and model_name_or_path are text, model_patch is text."
    )
    ID_AND_KEY_DIFFER = _Facts("id_and_key_differ", "error", _BOTH, "Make the key the instance_id of its record.")
    UNKNOWN_ID = _Facts("unknown_id", "error", _HARNESS, "Remove the record, or name the dataset that has it.")
    DUPLICATE_ID = _Facts("duplicate_id", "error", _SB_CLI, "Keep one record; the harness silently takes the last.")
    TWO_MODELS = _Facts(
        "two_models", "error", _SB_CLI, "Write one file per model; the harness reports all as the first."
    )
    MODEL_NAME = _Facts("model_name", "error", _HARNESS, "Use a name that can be a folder, of at most 200 bytes.")
    BLANK_PATCH = _Facts("blank_patch", "error", _HARNESS, 'Write "": white space counts as an error, not as empty.')
    LONE_SURROGATE = _Facts("lone_surrogate", "error", _HARNESS, "Remove the escape: it is no character.")
    NULL_PATCH = _Facts("null_patch", "warning", _SB_CLI, 'Write "", which both take as an empty patch.')
    NO_FINAL_NEWLINE = _Facts("no_final_newline", "warning", _HARNESS, "End the patch with a newline.")
    NOT_A_DIFF = _Facts("not_a_diff", "warning", _HARNESS, "Submit a unified diff without prose and fences.")
    REPEATED_KEY = _Facts("repeated_key", "warning", (), "Keep one; the last one counts.")
    UNENDED_FILE = _Facts("unended_file", "warning", (), "End the last line: what is appended would be glued to it.")
    RAW_TEXT = _Facts("raw_text", "warning", (), "Write JSON with ASCII escapes: readers use the locale's encoding.")
    MISSING_IDS = _Facts("missing_ids", "warning", (), "Generate the rest: they count as unresolved.")

    @property
    def code(self) -> str:
        """The name of the rule in output."""
        return self.value.code

    @property
    def severity(self) -> Severity:
        return self.value.severity

    @property
    def readers(self) -> tuple[Reader, ...]:
        return self.value.readers

    @property
    def fix(self) -> str:
        """What to do, in one sentence."""
        return self.value.fix


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a file breaks. `line` counts from 1; None is the file as a whole."""

    rule: Rule
    message: str
    line: int | None = None
