"""Which answers are guided, and how they are marked: requests, columns, and a server that does not follow."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from swebench_providers import Event, Finished, FinishReason, ProviderSpec
from swebench_providers.catalog import provider_spec
from swebench_tui.bench.datasets import starter
from swebench_tui.bench.guided import Guide
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.bench.prompts import AnswerFormat, Template
from swebench_tui.bench.repositories.snapshot import Snapshot
from swebench_tui.bench.task import TaskPrompt, custom_prompt, edited_prompt
from swebench_tui.runs.column import Column
from swebench_tui.runs.generation import Source
from swebench_tui.runs.patch_check import PatchChecker
from swebench_tui.runs.target import Target
from swebench_tui.services.comparison import Comparison
from swebench_tui.services.guided import can_be_guided, guide_for, prompt_guide
from swebench_tui.settings.definitions import GuidedStarter
from tests.app.scripted import ScriptedProvider, ScriptedSource, finished, text
from tests.app.task_prompts import task_prompt

EMBEDDED, LLAMACPP, OPENAI = (provider_spec(name) for name in ("embedded", "llamacpp", "openai"))


@pytest.fixture(scope="module")
def prompt(tmp_path_factory: pytest.TempPathFactory) -> TaskPrompt:
    return task_prompt(starter.load().instances[0], tmp_path_factory.mktemp("repositories"))


@pytest.fixture
def guide(prompt: TaskPrompt) -> Guide:
    guide = prompt_guide(prompt)
    assert guide is not None
    return guide


def source(spec: ProviderSpec, *events: Event) -> ScriptedSource:
    return ScriptedSource(ScriptedProvider(*events, spec=spec))


def applies(answer: str, *, snapshot: Snapshot | None, finish_reason: str | None = None) -> PatchVerdict:  # noqa: ARG001
    return PatchVerdict(status="applies")


async def column(
    prompt: TaskPrompt, source: ScriptedSource, guide: Guide | None, max_tokens: int | None = None
) -> Column:
    """A column that has run."""

    async def lookup(provider: str, *, base_url: str | None) -> Source:  # noqa: ARG001
        return source

    comparison = Comparison(lookup, PatchChecker(judge=applies), max_tokens=max_tokens)
    column = comparison.column(Target(provider="acme", model="m"), prompt, source, guide=guide)
    await column.run()
    return column


# Who is guided


@pytest.mark.parametrize(
    ("choice", "guided"),
    [("auto", [EMBEDDED]), ("on", [EMBEDDED, LLAMACPP, OPENAI]), ("off", [])],
)
async def test_the_choice_says_whose_requests_have_a_grammar(
    choice: GuidedStarter, guided: Sequence[ProviderSpec], prompt: TaskPrompt
) -> None:
    specs = [EMBEDDED, LLAMACPP, OPENAI]
    assert [spec for spec in specs if await guide_for(prompt, source(spec), choice)] == guided


def test_only_prompts_of_starter_tasks_with_their_files_are_guided(prompt: TaskPrompt) -> None:
    assert prompt.instance is not None
    elsewhere = msgspec.structs.replace(prompt.instance, base_commit="0" * 40)
    free = [
        custom_prompt("Why?"),
        edited_prompt(prompt, "Why?"),
        msgspec.structs.replace(prompt, instance=elsewhere),
        msgspec.structs.replace(prompt, template=Template(answer_format=AnswerFormat.DIFF)),
        msgspec.structs.replace(prompt, template=Template(text="{{ issue }}")),
    ]
    assert [can_be_guided(one) for one in free] == [False] * len(free)
    assert [prompt_guide(one) for one in free] == [None] * len(free)
    assert can_be_guided(msgspec.structs.replace(prompt, template=Template()))


# What is sent, and how the answer is marked


async def test_a_guided_request_has_the_grammar_and_room_for_it(prompt: TaskPrompt, guide: Guide) -> None:
    provider = source(EMBEDDED, text("x"), finished())
    await column(prompt, provider, guide)
    await column(prompt, provider, guide, max_tokens=7)
    assert [(request.grammar, request.max_tokens) for request in provider.provider.requests] == [
        (guide.grammar, guide.longest),
        (guide.grammar, 7),
    ]


async def test_an_answer_that_follows_the_grammar_is_marked(prompt: TaskPrompt, guide: Guide) -> None:
    head = min(guide.heads)
    done = await column(prompt, source(EMBEDDED, text(f"{head}\n=======\nx\n>>>>>>> REPLACE"), finished()), guide)
    assert (done.state.guided, done.state.final_notices) == (True, ())


@pytest.mark.parametrize("answer", ["", "I would change it.", "tallybox/averages.py\n<<<<<<< SEARCH\nx\n=======\n"])
async def test_an_answer_that_ignores_the_grammar_is_not_marked(prompt: TaskPrompt, guide: Guide, answer: str) -> None:
    done = await column(prompt, source(LLAMACPP, text(answer), finished()), guide)
    assert not done.state.guided
    assert done.state.final_notices == ("Not guided: the server did not follow the grammar.",)


async def test_a_part_of_a_guided_answer_stays_marked(prompt: TaskPrompt, guide: Guide) -> None:
    cut = Finished(reason=FinishReason.LENGTH, time=2.0)
    assert (await column(prompt, source(EMBEDDED, text("tally"), cut), guide)).state.guided


async def test_a_provider_that_takes_no_grammar_is_not_guided(prompt: TaskPrompt, guide: Guide) -> None:
    provider = source(OPENAI, text("x"), finished())
    done = await column(prompt, provider, guide)
    (request,) = provider.provider.requests
    assert (request.grammar, request.max_tokens) == (guide.grammar, None)  # the provider leaves it out with a notice
    assert not done.state.guided


async def test_a_column_without_a_guide_is_not_marked(prompt: TaskPrompt) -> None:
    provider = source(EMBEDDED, text("x"), finished())
    assert not (await column(prompt, provider, None)).state.guided
    assert provider.provider.requests[0].grammar is None
