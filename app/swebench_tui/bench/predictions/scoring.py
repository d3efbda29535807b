"""The commands that score a predictions file with the official tools."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HARNESS_ALIASES: Final = {
    "SWE-bench/SWE-bench": "full",
    "SWE-bench/SWE-bench_Verified": "verified",
    "SWE-bench/SWE-bench_Multilingual": "multilingual",
    "SWE-bench/SWE-bench_Multimodal": "multimodal",
}
_SUBSETS: Final = {
    "SWE-bench/SWE-bench_Lite": "swe-bench_lite",
    "SWE-bench/SWE-bench_Verified": "swe-bench_verified",
    "SWE-bench/SWE-bench_Multimodal": "swe-bench-m",
}
_HUB_IDS: Final = {
    "full": "SWE-bench/SWE-bench",
    "lite": "SWE-bench/SWE-bench_Lite",
    "verified": "SWE-bench/SWE-bench_Verified",
    "multilingual": "SWE-bench/SWE-bench_Multilingual",
    "multimodal": "SWE-bench/SWE-bench_Multimodal",
}


def score_commands(dataset: str, split: str | None, predictions: Path, run_id: str) -> Sequence[str]:
    """How to score `predictions` of `dataset`, as it was named: with the harness, and with sb-cli where it has the set.

    Nothing for the starter set, whose tasks have no images. A changed patch needs a new `run_id`: results are kept by
    it.
    """
    if dataset == "starter":
        return ()
    named = dataset.partition("@")[0]
    hub_id = _HUB_IDS.get(named, named.replace("princeton-nlp/", "SWE-bench/", 1))
    subset, split = _SUBSETS.get(hub_id), split or "test"
    harness = ["swebench", "eval", _HARNESS_ALIASES.get(hub_id, hub_id), "-p", str(predictions), "--run-id", run_id]
    harness += ["-s", split] if split != "test" else []
    commands = [shlex.join([*harness, "-j", "4"])]
    if subset is not None:
        options = ["--predictions_path", str(predictions), "--run_id", run_id]
        commands.append(shlex.join(["sb-cli", "submit", subset, split, *options]))
    return tuple(commands)
