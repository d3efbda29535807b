"""Kept answers of first calls."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from swebench_providers import TokenUsage
from swebench_tui.bench.task import Pick
from swebench_tui.runs.target import Target
from swebench_tui.services.pick_store import PickStore

TARGET = Target(provider="acme", model="m")
PICK = Pick(
    target="acme:m",
    files=("a.py",),
    unknown=("b/c.py",),
    prompt_hash="f" * 64,
    answer="a.py \u2028 ü",
    usage=TokenUsage(prompt_tokens=7, completion_tokens=2),
    cost=Decimal("0.0003"),
)


def test_a_kept_answer_is_found_whole_by_target_and_prompt(tmp_path: Path) -> None:
    PickStore(tmp_path / "new" / "picks").keep(TARGET, PICK)
    store = PickStore(tmp_path / "new" / "picks")
    assert store.find(TARGET, PICK.prompt_hash) == PICK
    assert store.find(TARGET, "0" * 64) is None
    assert store.find(Target(provider="acme", model="n"), PICK.prompt_hash) is None
    assert store.find(Target(provider="acme", model="m", temperature=0.5), PICK.prompt_hash) is None


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    store = PickStore(tmp_path)
    store.keep(TARGET, PICK)
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(file.read_bytes()[:20])
    assert store.find(TARGET, PICK.prompt_hash) is None
    store.keep(TARGET, PICK)
    assert store.find(TARGET, PICK.prompt_hash) == PICK
