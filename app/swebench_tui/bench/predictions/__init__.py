"""Predictions files, as the official harness and sb-cli read them, and the answers beside them."""

from __future__ import annotations

from swebench_tui.bench.predictions.answers import AnswersFile, StoredAnswer, StoredPatch
from swebench_tui.bench.predictions.breach import Breach, Rule
from swebench_tui.bench.predictions.check import CheckReport, check_predictions
from swebench_tui.bench.predictions.errors import PredictionsError
from swebench_tui.bench.predictions.file import Known, PredictionsFile
from swebench_tui.bench.predictions.file_name import file_stem
from swebench_tui.bench.predictions.json_lines import TornTail
from swebench_tui.bench.predictions.prediction import Prediction, Provenance, model_name, submitted_patch

__all__ = [
    "AnswersFile",
    "Breach",
    "CheckReport",
    "Known",
    "Prediction",
    "PredictionsError",
    "PredictionsFile",
    "Provenance",
    "Rule",
    "StoredAnswer",
    "StoredPatch",
    "TornTail",
    "check_predictions",
    "file_stem",
    "model_name",
    "submitted_patch",
]
