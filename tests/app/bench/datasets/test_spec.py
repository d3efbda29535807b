from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.datasets import KNOWN, DatasetError
from swebench_tui.bench.datasets.spec import Spec, parse


def hub(name: str, repo: str, revision: str | None = None, split: str | None = None) -> Spec:
    return Spec(name=name, repo=repo, revision=revision, split=split)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("starter", Spec(name="starter")),
        ("lite", hub("lite", "SWE-bench/SWE-bench_Lite")),
        ("verified:test", hub("verified", "SWE-bench/SWE-bench_Verified", split="test")),
        ("full@v1.0:dev", hub("full", "SWE-bench/SWE-bench", "v1.0", "dev")),
        ("princeton-nlp/SWE-bench_Lite", hub("princeton-nlp/SWE-bench_Lite", "princeton-nlp/SWE-bench_Lite")),
        ("a/b@refs/pr/4", hub("a/b", "a/b", "refs/pr/4")),
        ("tasks.jsonl", Spec(name="tasks.jsonl", path=Path("tasks.jsonl"))),
        ("data/rows.Parquet", Spec(name="data/rows.Parquet", path=Path("data/rows.Parquet"))),
        ("./folder", Spec(name="./folder", path=Path("folder"))),
        ("./folder:dev", Spec(name="./folder", path=Path("folder"), split="dev")),
        ("/x/a@b", Spec(name="/x/a@b", path=Path("/x/a@b"))),
        (".", Spec(name=".", path=Path())),
    ],
)
def test_each_form_of_a_spec(text: str, spec: Spec) -> None:
    assert parse(text) == spec


def test_arguments_have_priority_over_the_spec() -> None:
    assert parse("a/b@old:dev", revision="new", split="test") == hub("a/b", "a/b", "new", "test")
    assert parse("./a:dev", split="test").split == "test"


def test_a_folder_of_this_name_does_not_hide_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lite", "starter", "a/b", "tasks", "odd:dev"):
        (tmp_path / name).mkdir(parents=True)
    assert parse("lite").path is None
    assert parse("starter").path is None
    assert parse("a/b").path is None
    assert parse("tasks").path == Path("tasks")
    assert parse("tasks:dev") == Spec(name="tasks", path=Path("tasks"), split="dev")
    assert parse("./odd:dev") == Spec(name="./odd:dev", path=Path("odd:dev"))


@pytest.mark.parametrize("text", ["", "nonsense", "Starter", "a/b/c", "a b", "lite@", "lite:", "@x", "a/b@@c"])
def test_other_texts_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(DatasetError, match=r"^unknown dataset ") as caught:
        parse(text)
    assert "`starter`" in caught.value.hint
    assert all(name in caught.value.hint for name in KNOWN)


def test_a_misspelled_name_gets_the_nearest_one() -> None:
    with pytest.raises(DatasetError) as caught:
        parse("Verifed")
    assert caught.value.hint.startswith("Did you mean verified?")


@pytest.mark.parametrize("text", ["starter@main", "starter:test", "tasks.jsonl@x"])
def test_what_has_no_revision_or_split_says_so(text: str) -> None:
    with pytest.raises(DatasetError, match=r"neither revisions nor splits|unknown dataset"):
        parse(text)


def test_a_local_dataset_has_no_revision() -> None:
    with pytest.raises(DatasetError, match="is on this machine and has no revisions"):
        parse("tasks.jsonl", revision="main")


@given(st.text(max_size=30))
def test_any_text_is_a_spec_or_an_error(text: str) -> None:
    try:
        spec = parse(text)
    except DatasetError:
        return
    assert spec.name
    assert spec.repo is None or spec.path is None
