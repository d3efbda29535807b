"""A prediction: instance id, model name and patch, as the official harness and sb-cli read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swebench_tui.bench.predictions.pick_record import PickRecord

if TYPE_CHECKING:
    from swebench_tui.bench.patches import PatchVerdict

LONGEST_MODEL_NAME: Final = 120
"""Characters. The harness makes a folder and a report file of the name, and a file name has at most 255 bytes."""

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a prediction came about. The harness and sb-cli ignore it.

    `oracle`: the prompt held the files that the gold patch touches. `guided`: a grammar held the answer to lines of the
    task's files. `status` and `failure` are the verdict on the patch. `cost` is in USD; None is unknown.
    """

    target: str = ""
    dataset: str = ""
    revision: str = ""
    context: str = ""
    oracle: bool = False
    guided: bool = False
    template: str = ""
    prompt_hash: str = ""
    temperature: float | None = None
    status: str = ""
    failure: str | None = None
    repairs: tuple[str, ...] = ()
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    cost_estimated: bool = False
    pick: PickRecord | None = None


class Prediction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of a predictions file. Raises `ValueError` for one that the harness or sb-cli would stumble over.

    `model_patch` is "", or a text in UTF-8 that is not blank and ends with a newline.
    """

    instance_id: str
    model_name_or_path: str
    model_patch: str
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("instance_id", "model_name_or_path"):
            if not getattr(self, name).strip():
                raise ValueError(f"`{name}` is empty")
        if self.model_patch and (not self.model_patch.strip() or not self.model_patch.endswith("\n")):
            raise ValueError("`model_patch` is neither empty nor a patch that ends with a newline")
        try:
            self.model_patch.encode()
        except UnicodeEncodeError as error:
            raise ValueError("`model_patch` is not encodable as UTF-8") from error

    def record(self) -> dict[str, Any]:
        """The record as it is written: the official keys, then the provenance where there is one."""
        official: dict[str, Any] = {
            "instance_id": self.instance_id,
            "model_name_or_path": self.model_name_or_path,
            "model_patch": self.model_patch,
        }
        return official if self.provenance is None else official | {"provenance": msgspec.to_builtins(self.provenance)}


def submitted_patch(verdict: PatchVerdict, *, allow_partial: bool = False, unapplied: bool = False) -> str:
    """What an answer's prediction holds: a patch that applies or could not be checked, else "".

    `allow_partial` admits a patch of which a part was left out, `unapplied` one that does not apply.
    """
    patch = verdict.prediction(allow_partial=allow_partial)
    if verdict.status == "unchecked" or (unapplied and verdict.status == "does_not_apply"):
        patch = verdict.patch
    if not patch.strip() or _not_utf8(patch):
        return ""
    return patch if patch.endswith("\n") else f"{patch}\n"


def _not_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def model_name(provider: str, model: str, *labels: str) -> str:
    """The `model_name_or_path` of a target: `provider/model`, then `+label` for each label.

    Names come from servers: unprintable characters become `_`, and a long name is cut. A label such as "oracle" is part
    of the name because the report of the harness shows nothing else.
    """
    suffix = "".join(f"+{label}" for label in labels)
    name = _UNPRINTABLE.sub("_", f"{provider}/{model}" if model else provider).strip()
    return name[: LONGEST_MODEL_NAME - len(suffix)] + suffix
