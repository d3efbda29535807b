"""Comparisons assembled for both front ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_tui.bench import datasets
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.repositories.snapshot import Snapshot
from swebench_tui.bench.task import TaskPrompt, custom_prompt
from swebench_tui.runs.column import run_all
from swebench_tui.runs.generation import Answer, Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs, Comparison
from tests.app.scripted import ScriptedProvider, ScriptedSource, finished, text
from tests.app.task_prompts import task_prompt

TARGET = Target(provider="acme", model="m")


class Lookup:
    """Looks up one scripted provider, and keeps what it was asked for."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self.provider = provider
        self.calls: list[tuple[str, str | None]] = []

    async def __call__(self, provider: str, *, base_url: str | None) -> Source:
        self.calls.append((provider, base_url))
        return ScriptedSource(self.provider)


class Keeping:
    def __init__(self) -> None:
        self.answers: list[Answer] = []

    async def commit(self, answer: Answer) -> None:
        self.answers.append(answer)


def applies(answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None) -> PatchVerdict:
    return PatchVerdict(status="applies", detail=f"{answer} {snapshot} {finish_reason}")


@pytest.fixture
def checker() -> Iterator[PatchChecker]:
    checker = PatchChecker(judge=applies)
    yield checker
    checker.close()


async def compare(comparison: Comparison, prompt: TaskPrompt, *targets: Target) -> list[PatchVerdict | None]:
    columns = [comparison.column(target, prompt, await comparison.source(target)) for target in targets]
    await run_all(columns)
    return [column.patch for column in columns]


# Base URLs.


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ([], None),
        (["http://a"], "http://a"),
        (["http://a", "http://b"], "http://b"),
        (["acme=http://a"], "http://a"),
        (["other=http://b"], None),
        (["acme=http://a", "http://b"], "http://b"),
        (["http://b", "acme=http://a"], "http://a"),
        (["http://a/path?key=value"], "http://a/path?key=value"),
    ],
)
def test_the_last_base_url_for_a_provider_wins(values: list[str], url: str | None) -> None:
    assert BaseURLs(values).url("acme") == url


def test_a_base_url_for_no_target_is_reported() -> None:
    urls = BaseURLs(["acme=http://a", "amce=http://b", "http://c"])
    assert list(urls.unknown([TARGET])) == ["amce"]


# Columns.


async def test_each_target_is_looked_up_at_its_base_url(checker: PatchChecker) -> None:
    lookup = Lookup(ScriptedProvider(finished()))
    comparison = Comparison(lookup, checker, base_urls=BaseURLs(["acme=http://a"]))
    for target in ("acme:m", "other"):
        await comparison.source(parse_target(target))
    assert lookup.calls == [("acme", "http://a"), ("other", None)]


async def test_a_column_sends_the_prompt_with_the_options(checker: PatchChecker) -> None:
    lookup = Lookup(ScriptedProvider(text("x"), finished()))
    comparison = Comparison(lookup, checker, max_tokens=77, stream=False)
    await compare(comparison, custom_prompt("Why?"), Target(provider="acme", model="m", temperature=0.5))
    (request,) = lookup.provider.requests
    assert (request.prompt, request.model, request.temperature) == ("Why?", "m", 0.5)
    assert (request.max_tokens, request.stream) == (77, False)


async def test_the_patch_of_a_task_is_checked_against_its_repository(checker: PatchChecker, tmp_path: Path) -> None:
    comparison = Comparison(Lookup(ScriptedProvider(text("answer"), finished())), checker)
    prompt = await asyncio.to_thread(task_prompt, datasets.load("starter").instances[0], tmp_path)
    (verdict,) = await compare(comparison, prompt, TARGET)
    assert verdict is not None
    assert verdict.detail == f"answer {prompt.snapshot} stop"


async def test_a_custom_prompt_has_no_patch_to_check(checker: PatchChecker) -> None:
    comparison = Comparison(Lookup(ScriptedProvider(text("answer"), finished())), checker)
    assert await compare(comparison, custom_prompt("Why?"), TARGET) == [None]


async def test_all_columns_use_the_recorder(checker: PatchChecker) -> None:
    recorder = Keeping()
    comparison = Comparison(Lookup(ScriptedProvider(text("x"), finished())), checker, recorder=recorder)
    await compare(comparison, custom_prompt("Why?"), TARGET, TARGET)
    assert [(answer.target, answer.text) for answer in recorder.answers] == [(TARGET, "x")] * 2
    assert [answer.prompt and answer.prompt.hash for answer in recorder.answers] == [custom_prompt("Why?").hash] * 2
