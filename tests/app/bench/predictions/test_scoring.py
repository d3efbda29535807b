"""The commands that score a predictions file."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_tui.bench.predictions.scoring import score_commands

FILE = Path("out/p.jsonl")
HARNESS = "-p out/p.jsonl --run-id r -j 4"
SB_CLI = "--predictions_path out/p.jsonl --run_id r"


@pytest.mark.parametrize(
    ("dataset", "split", "commands"),
    [
        ("verified", "test", (f"swebench eval verified {HARNESS}", f"sb-cli submit swe-bench_verified test {SB_CLI}")),
        (
            "lite",
            None,
            (f"swebench eval SWE-bench/SWE-bench_Lite {HARNESS}", f"sb-cli submit swe-bench_lite test {SB_CLI}"),
        ),
        ("princeton-nlp/SWE-bench@abc", None, (f"swebench eval full {HARNESS}",)),
        ("multilingual", "test", (f"swebench eval multilingual {HARNESS}",)),
        (
            "multimodal",
            "dev",
            (
                "swebench eval multimodal -p out/p.jsonl --run-id r -s dev -j 4",
                f"sb-cli submit swe-bench-m dev {SB_CLI}",
            ),
        ),
        ("my tasks.jsonl", None, (f"swebench eval 'my tasks.jsonl' {HARNESS}",)),
        ("starter", None, ()),
    ],
)
def test_each_dataset_has_its_commands(dataset: str, split: str | None, commands: tuple[str, ...]) -> None:
    assert score_commands(dataset, split, FILE, "r") == commands


def test_hostile_paths_are_quoted() -> None:
    (command,) = score_commands("full", None, Path("a; rm -rf ~.jsonl"), "r")
    assert "'a; rm -rf ~.jsonl'" in command
