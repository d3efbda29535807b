"""Prompts of tasks: context modes, budgets, and what is sent to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from swebench_providers import ErrorKind, ProviderError, TokenUsage, UsageUpdate
from swebench_tui.bench import datasets
from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.prompts import AnswerFormat, PromptError, Template
from swebench_tui.bench.repositories.sources import Repositories
from swebench_tui.runs.generation import Source
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs
from swebench_tui.services.pick_store import PickStore
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings.workspace import Workspace
from tests.app.scripted import Gate, ScriptedProvider, ScriptedSource, charge, finished, text
from tests.app.services.repositories import STRONG, WEAK, make_repositories, rocket_task
from tests.fault_server import FaultServerThread, failing, json_body

GPT = Target(provider="openai", model="gpt-5.4")
ACME = Target(provider="openai", model="gpt-5.1")
PICK = PromptOptions(context=ContextMode.PICK)
STARTER = datasets.load("starter").instances[0]


@pytest.fixture(scope="module")
def rocket(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repositories, str]:
    return make_repositories(tmp_path_factory.mktemp("rocket"))


@pytest.fixture
def task(rocket: tuple[Repositories, str]) -> Instance:
    return rocket_task(rocket[1])


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[CommandAccess]:
    workspace = Workspace({}, config_folder=tmp_path / "config", data_folder=tmp_path / "data")
    async with CommandAccess(workspace) as access:
        yield access


@pytest.fixture
def prompts(access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path) -> TaskPrompts:
    return TaskPrompts(access, repositories=rocket[0], indexes=tmp_path / "indexes")


class Picking:
    """Answers the first call as scripted. `lookups` are the providers that were looked up."""

    def __init__(self, *steps: object) -> None:
        self.provider = ScriptedProvider(*steps)  # type: ignore[arg-type]  # each step is one of a script's
        self.lookups: list[str] = []

    async def __call__(self, provider: str, *, base_url: str | None) -> Source:  # noqa: ARG002
        self.lookups.append(provider)
        return ScriptedSource(self.provider)


def naming(answer: str) -> Picking:
    usage = TokenUsage(prompt_tokens=200, completion_tokens=9)
    return Picking(text(answer), UsageUpdate(usage, 1.5), charge("0.0003"), finished())


def picking_prompts(
    access: CommandAccess, rocket: tuple[Repositories, str], folder: Path, sources: Picking, picks: Path | None = None
) -> TaskPrompts:
    store = None if picks is None else PickStore(picks)
    return TaskPrompts(access, sources=sources, repositories=rocket[0], indexes=folder / "indexes", picks=store)


# The context.


async def test_a_starter_task_shows_all_its_files(prompts: TaskPrompts) -> None:
    prompt = await prompts.build(STARTER, GPT, dataset="starter", revision="sha256:1")
    assert (prompt.context, prompt.mode, prompt.notes) == ("all source files", "all", ())
    assert (prompt.dataset, prompt.revision) == ("starter", "sha256:1")
    assert prompt.snapshot is not None
    assert prompt.tokens is not None
    assert (prompt.tokens.source, prompt.tokens.means) == ("exact", "tiktoken o200k_base")


async def test_a_repository_at_hand_is_searched(prompts: TaskPrompts, task: Instance) -> None:
    prompt = await prompts.build(task, GPT)
    assert prompt.shown is not None
    assert (prompt.shown.mode, prompt.shown.match) == (ContextMode.SEARCH, "strong")
    assert prompt.shown.files[0].path == "rocket/pump.py"
    assert prompt.context == "search: 4 files"
    assert "def start_pump" in prompt.prompt


async def test_a_weak_match_is_shown_in_label_and_notes(prompts: TaskPrompts, rocket: tuple[Repositories, str]) -> None:
    prompt = await prompts.build(rocket_task(rocket[1], WEAK), GPT)
    assert "weak match" in prompt.context
    assert any("weak match" in note for note in prompt.notes)


async def test_a_repository_that_is_not_here_leaves_the_issue(prompts: TaskPrompts, task: Instance) -> None:
    elsewhere = msgspec.structs.replace(task, repo="acme/plane")
    prompt = await prompts.build(elsewhere, GPT)
    assert (prompt.context, prompt.mode, prompt.snapshot) == ("issue only", "none", None)
    (note,) = prompt.notes
    assert f"swebench-tui repo fetch acme/plane@{task.base_commit}" in note
    for mode in set(ContextMode) - {ContextMode.NONE}:
        with pytest.raises(PromptError, match="needs the repository, and acme/plane") as caught:
            await prompts.build(elsewhere, GPT, PromptOptions(context=mode))
        assert "swebench-tui repo fetch" in caught.value.hint


async def test_the_oracle_is_labelled(prompts: TaskPrompts, task: Instance) -> None:
    prompt = await prompts.build(task, GPT, PromptOptions(context=ContextMode.ORACLE))
    assert (prompt.context, prompt.mode) == ("oracle: 1 file", "oracle")
    assert "class Tank" in prompt.prompt
    assert "level = 2" not in prompt.prompt
    assert any("gold patch" in note for note in prompt.notes)


@pytest.mark.parametrize("mode", list(ContextMode))
async def test_no_mode_sends_solution_tests_or_hints(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path, mode: ContextMode
) -> None:
    sources = naming("rocket/tank.py")
    prompts = picking_prompts(access, rocket, tmp_path, sources)
    prompt = await prompts.build(rocket_task(rocket[1]), GPT, PromptOptions(context=mode))
    first = sources.provider.requests
    sent = f"{prompt.system}{prompt.prompt}{[(request.system_message, request.prompt) for request in first]}"
    assert len(first) == (mode is ContextMode.PICK)
    assert not [secret for secret in ("level = 2", "the test patch", "the hints") if secret in sent]


async def test_files_over_the_budget_are_left_out(prompts: TaskPrompts, task: Instance) -> None:
    prompt = await prompts.build(task, GPT, PromptOptions(context=ContextMode.ALL, context_tokens=60))
    assert prompt.shown is not None
    assert 0 < prompt.shown.tokens <= 60
    assert "rocket/valve.py" in {left.path for left in prompt.shown.left_out}
    assert prompt.context.startswith("all: ")


async def test_numbers_are_counted_where_they_are_shown(prompts: TaskPrompts, task: Instance) -> None:
    plain = await prompts.build(task, GPT)
    numbered = await prompts.build(task, GPT, PromptOptions(template=Template(answer_format=AnswerFormat.DIFF)))
    assert "4| def start_pump" in numbered.prompt
    assert plain.shown is not None
    assert numbered.shown is not None
    assert numbered.shown.tokens > plain.shown.tokens


# Targets.


async def test_targets_with_equal_counters_get_one_prompt(prompts: TaskPrompts, task: Instance) -> None:
    targets = [GPT, ACME, parse_target("anthropic:claude-haiku-5-5"), parse_target("embedded")]
    built = await prompts.build_all(task, targets)
    assert built[0].prompt is built[1].prompt
    assert len({prompt.hash for prompt in built}) == 1  # all of these files fit every window
    assert [prompt.tokens and prompt.tokens.source for prompt in built] == [
        *("exact", "exact", "estimated", "estimated"),
    ]


async def test_a_small_window_leaves_files_out_and_says_so(
    prompts: TaskPrompts, rocket: tuple[Repositories, str]
) -> None:
    long = rocket_task(rocket[1], STRONG + "It fails. " * 1_500)
    small, large = await prompts.build_all(
        long, [parse_target("embedded"), GPT], PromptOptions(context=ContextMode.ALL)
    )
    assert small.hash != large.hash
    assert any("the window of 8,192 tokens" in note for note in small.notes)
    assert large.notes == ()


async def test_an_unknown_window_is_noted(prompts: TaskPrompts, task: Instance) -> None:
    prompt = await prompts.build(task, parse_target("compatible:mystery"), PromptOptions(context_tokens=900))
    assert prompt.notes == ("window unknown: the budget of files is 900 tokens, as requested",)


async def test_an_unknown_provider_is_an_error(prompts: TaskPrompts, task: Instance) -> None:
    with pytest.raises(ProviderError, match="unknown provider 'olama'"):
        await prompts.build(task, parse_target("olama:x"))


async def test_a_local_server_counts_and_files_go_until_it_fits(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path, server: FaultServerThread
) -> None:
    """The server counts six times the estimate: what was estimated to fit does not."""
    server.server.by_path["/props"] = json_body({"default_generation_settings": {"n_ctx": 4_000}, "build_info": "b1"})
    server.server.by_path["/v1/chat/completions/input_tokens"] = json_body({"input_tokens": 3_600})
    urls = BaseURLs([f"llamacpp={server.base_url}"])
    prompts = TaskPrompts(access, base_urls=urls, repositories=rocket[0], indexes=tmp_path / "indexes")
    prompt = await prompts.build(rocket_task(rocket[1]), parse_target("llamacpp:m"))
    assert prompt.shown is not None
    assert prompt.tokens is not None
    assert (prompt.tokens.tokens, prompt.tokens.source) == (3_600, "exact")
    assert prompt.shown.files == ()  # the server never counts less
    assert any("does not fit the window of 4,000 tokens" in note for note in prompt.notes)
    counted = [request for request in server.server.requests if request.path.endswith("/input_tokens")]
    assert len(counted) > 1
    assert not [request for request in server.server.requests if request.path == "/v1/chat/completions"]


async def test_a_server_that_cannot_count_leaves_the_estimate(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path, server: FaultServerThread
) -> None:
    server.server.by_path["/v1/chat/completions/input_tokens"] = failing(500, "no")
    urls = BaseURLs([f"llamacpp={server.base_url}"])
    prompts = TaskPrompts(access, base_urls=urls, repositories=rocket[0], indexes=tmp_path / "indexes")
    prompt = await prompts.build(rocket_task(rocket[1]), parse_target("llamacpp:m"))
    assert prompt.tokens is not None
    assert prompt.tokens.source == "estimated"


# The price before sending.


async def test_an_input_is_priced_and_an_unknown_price_is_none(prompts: TaskPrompts) -> None:
    prompt = await prompts.build(STARTER, GPT)
    known = await prompts.estimate(prompt, GPT)
    assert prompt.tokens is not None
    assert known.cost == Decimal("2.5") * prompt.tokens.tokens / 1_000_000
    assert (known.free, known.answer_tokens) == (False, 128_000)
    unknown = await prompts.estimate(prompt, parse_target("compatible:mystery"))
    assert (unknown.cost, unknown.free, unknown.answer_tokens) == (None, False, None)
    embedded = await prompts.estimate(prompt, parse_target("embedded"), max_tokens=50)
    assert (embedded.cost, embedded.free, embedded.answer_tokens) == (Decimal(0), True, 50)


# Pick.


async def test_the_model_names_the_files_it_gets(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path
) -> None:
    sources = naming("- `rocket/tank.py`\n- rocket/valve.py\n- rocket/engine.py")
    sentences: list[str] = []
    prompts = picking_prompts(access, rocket, tmp_path, sources)
    prompt = await prompts.build(rocket_task(rocket[1]), GPT, PICK, progress=sentences.append)
    pick = prompt.pick
    assert pick is not None
    assert (pick.files, pick.unknown, pick.problem) == (
        ("rocket/tank.py", "rocket/valve.py"),
        ("rocket/engine.py",),
        "",
    )
    assert (pick.cost, pick.usage and pick.usage.prompt_tokens) == (Decimal("0.0003"), 200)
    assert (prompt.context, prompt.mode) == ("pick: 2 files", "pick")
    assert "class Tank" in prompt.prompt
    assert "start_pump(level)" not in prompt.prompt
    assert "pick: 2 files (1 more that the repository does not have), $0.00030" in prompt.notes
    (request,) = sources.provider.requests
    assert "rocket/pump.py\n" in request.prompt
    assert request.max_tokens == 4_096
    assert "openai:gpt-5.4: naming files" in sentences


async def test_a_weak_match_gives_the_first_call_all_paths(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path
) -> None:
    sources = naming("rocket/tank.py")
    prompts = picking_prompts(access, rocket, tmp_path, sources)
    await prompts.build(rocket_task(rocket[1], WEAK), GPT, PICK)
    (request,) = sources.provider.requests
    assert "rocket/: __init__.py pump.py tank.py valve.py" in request.prompt
    shown = await prompts.first_call(rocket_task(rocket[1], WEAK), GPT)
    assert (shown.prompt, shown.system) == (request.prompt, request.system_message)


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        (naming("I do not know."), "named no file of the repository"),
        (naming(""), "named no file of the repository"),
        (
            Picking(ProviderError(ErrorKind.AUTH, "wrong key", hint="Set it.")),
            "the call for files failed: wrong key",
        ),
    ],
)
async def test_without_files_the_search_chooses_and_says_so(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path, sources: Picking, problem: str
) -> None:
    prompts = picking_prompts(access, rocket, tmp_path, sources)
    prompt = await prompts.build(rocket_task(rocket[1]), GPT, PICK)
    assert prompt.pick is not None
    assert problem in prompt.pick.problem
    assert (prompt.mode, prompt.context) == ("search", "search: 4 files")
    assert any(problem in note and "the search chose the files" in note for note in prompt.notes)


async def test_cancelling_ends_the_first_call(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path
) -> None:
    reached = asyncio.Event()
    sources = Picking(reached.set, Gate())
    prompts = picking_prompts(access, rocket, tmp_path, sources)
    build = asyncio.ensure_future(prompts.build(rocket_task(rocket[1]), GPT, PICK))
    await reached.wait()
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    assert sources.provider.left == 1


async def test_a_kept_first_call_is_not_made_again(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path
) -> None:
    hashes = []
    for sources, calls in ((naming("rocket/tank.py"), 1), (naming("rocket/pump.py"), 0)):
        prompts = picking_prompts(access, rocket, tmp_path, sources, picks=tmp_path / "picks")
        prompt = await prompts.build(rocket_task(rocket[1]), GPT, PICK)
        assert len(sources.provider.requests) == calls
        assert prompt.pick is not None
        assert (prompt.pick.files, prompt.pick.reused) == (("rocket/tank.py",), not calls)
        hashes.append(prompt.hash)
    assert hashes[0] == hashes[1]
    warm = Target(provider="openai", model="gpt-5.4", temperature=1.0)
    sources = naming("rocket/pump.py")
    await picking_prompts(access, rocket, tmp_path, sources, picks=tmp_path / "picks").build(
        rocket_task(rocket[1]), warm, PICK
    )
    assert len(sources.provider.requests) == 1


async def test_a_failed_first_call_is_made_again(
    access: CommandAccess, rocket: tuple[Repositories, str], tmp_path: Path
) -> None:
    for _ in range(2):
        sources = Picking(ProviderError(ErrorKind.TRANSIENT, "down", hint="Wait."))
        prompts = picking_prompts(access, rocket, tmp_path, sources, picks=tmp_path / "picks")
        await prompts.build(rocket_task(rocket[1]), GPT, PICK)
        assert len(sources.provider.requests) == 1


async def test_without_a_model_to_call_pick_is_an_error(prompts: TaskPrompts, task: Instance) -> None:
    for target in (GPT, None):
        with pytest.raises(PromptError, match="calls a model"):
            await prompts.build(task, target, PICK)
