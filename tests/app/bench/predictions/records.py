"""Predictions for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from swebench_tui.bench.predictions import Prediction

DIFF = "--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-a\n+b\n"
HOSTILE = "é\u2028\u2029\x85\x0b\x0c\x1c\x00\x1b[31m\r\n\U0001f41b\u202e"


def prediction(instance_id: str = "a", patch: str = DIFF, *, model: str = "acme/m") -> Prediction:
    return Prediction(instance_id=instance_id, model_name_or_path=model, model_patch=patch)


def as_harness_reads(path: Path) -> list[dict[str, Any]]:
    """Every line of a .jsonl file, as swebench and sb-cli read it."""
    with path.open() as file:
        return [json.loads(line) for line in file]
