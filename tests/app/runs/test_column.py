"""A column: the pieces its screen takes, the patch check after the answer, and real servers."""

from __future__ import annotations

import asyncio

import pytest

from swebench_providers import AttemptFailed, ErrorKind, FinishReason, ProviderError
from swebench_tui.bench.patches import PatchVerdict
from swebench_tui.runs.column import Column, run_all
from swebench_tui.runs.generation import Answer, Piece, TextVoided
from swebench_tui.runs.generation_state import Status
from swebench_tui.runs.target import Target
from tests.app.runs.observed import REQUEST, Seen, cancelled, column, served
from tests.app.scripted import Gate, ScriptedProvider, ScriptedSource, Step, finished, text, thought
from tests.fault_server import Ending, FaultServer, Script

OVERLOADED = ProviderError(ErrorKind.OVERLOADED, "no room", hint="Try later.")
APPLIES = PatchVerdict(status="applies")
LONG_STREAM = Script(("one ", "two ", "three ", "four"), tokens_per_second=50, ending=Ending.STALL)


def unwatched(*steps: Step) -> Column:
    """A column whose pieces are for its screen."""
    return Column(Target(provider="acme", model="m"), REQUEST, ScriptedSource(ScriptedProvider(*steps)))


def settled_once(seen: Seen) -> bool:
    return seen.settled == [False] * (len(seen.settled) - 1) + [True]


async def never_checked(_answer: str, _reason: FinishReason | None) -> PatchVerdict:
    pytest.fail("the patch was checked")


# Pieces.


async def test_a_screen_takes_each_piece_once() -> None:
    made = unwatched(text("a"), thought("b"), text("c"), finished())
    assert list(made.take()) == []
    await made.run()
    assert list(made.take()) == [text("a"), thought("b"), text("c")]
    assert list(made.take()) == []
    assert (made.text, made.reasoning) == ("ac", "b")


async def test_a_failed_attempt_resets_the_text_for_its_screen() -> None:
    broken = AttemptFailed(provider="acme", model="m", error=OVERLOADED, time=2)
    made = unwatched(text("half"), broken, text("whole"), finished())
    await made.run()
    assert list(made.take()) == [text("half"), TextVoided(), text("whole")]
    assert made.text == "whole"


async def test_an_observer_gets_each_piece_once_and_settled_last() -> None:
    made, seen = column(thought("a", 1), text("b", 2), text("c", 3), finished(time=4))
    await made.run()
    expected: list[Piece] = [thought("a", 1), text("b", 2), text("c", 3)]
    assert seen.pieces == expected
    assert settled_once(seen)
    assert list(made.take()) == []


# The patch check.


async def test_the_check_gets_the_answer_and_its_finish_reason() -> None:
    checked: list[tuple[str, FinishReason | None]] = []

    async def check(answer: str, reason: FinishReason | None) -> PatchVerdict:
        checked.append((answer, reason))
        return APPLIES

    steps = thought("not this"), text("this "), text("only"), finished(FinishReason.LENGTH)
    made, _ = column(*steps, check_patch=check)
    await made.run()
    assert checked == [("this only", FinishReason.LENGTH)]
    assert made.patch is APPLIES


async def test_the_whole_answer_is_shown_before_the_check_ends() -> None:
    checking = Gate()

    async def check(_answer: str, _reason: FinishReason | None) -> PatchVerdict:
        await checking.passed()
        return APPLIES

    made, seen = column(text("whole"), finished(), check_patch=check)
    task = asyncio.create_task(made.run())
    await seen.until(lambda: made.state.status is Status.DONE, what="done")
    assert (made.text, made.settled, made.patch) == ("whole", False, None)
    checking.open()
    await task
    assert (made.settled, made.patch) == (True, APPLIES)


async def test_a_part_of_an_answer_is_not_checked() -> None:
    made, _ = column(text("half"), OVERLOADED, check_patch=never_checked)
    await made.run()
    assert (made.patch, made.settled) == (None, True)


async def test_an_answer_that_was_not_saved_is_not_checked() -> None:
    class Full:
        async def commit(self, answer: Answer) -> None:
            raise OSError(answer.text)

    made, _ = column(text("whole"), finished(), check_patch=never_checked, recorder=Full())
    await made.run()
    assert (made.state.status, made.patch) == (Status.FAILED, None)


async def test_a_check_that_breaks_leaves_the_patch_unchecked() -> None:
    async def check(_answer: str, _reason: FinishReason | None) -> PatchVerdict:
        raise OSError("disk full")

    made, seen = column(text("x"), finished(), check_patch=check)
    await made.run()
    assert made.patch is not None
    assert (made.state.complete, made.patch.status) == (True, "unchecked")
    assert "OSError: disk full" in made.patch.detail
    assert settled_once(seen)


async def test_cancelling_the_check_leaves_the_answer_done() -> None:
    async def check(_answer: str, _reason: FinishReason | None) -> PatchVerdict:
        await asyncio.Event().wait()
        return APPLIES

    made, seen = column(text("whole"), finished(), check_patch=check)
    task = asyncio.create_task(made.run())
    await seen.until(lambda: made.state.status is Status.DONE, what="done")
    await cancelled(task)
    assert (made.state.status, made.state.complete, made.patch) == (Status.DONE, True, None)
    assert settled_once(seen)


# Several columns, and real servers.


async def test_an_internal_error_stays_in_its_column() -> None:
    gate = Gate()
    broken, _ = column(text("x"), gate.open, ZeroDivisionError("a fault"))
    whole, _ = column(gate, text("whole"), finished())
    await run_all([broken, whole])
    assert (broken.state.status, broken.text) == (Status.FAILED, "x")
    assert (whole.state.status, whole.text) == (Status.DONE, "whole")


@pytest.mark.parametrize(
    ("script", "so_far"),
    [
        pytest.param(Script("never", before_head=3600), "", id="while it waits for the head"),
        pytest.param(Script("never", before_first_token=3600), "", id="between head and first token"),
        pytest.param(Script(("one ", "two "), tokens_per_second=0.001), "one ", id="between two tokens"),
        pytest.param(Script(("one ", "two"), ending=Ending.STALL), "one two", id="at a stalled server"),
        pytest.param(Script(("one ",), ending=Ending.ENDLESS, tokens_per_second=100), "one ", id="under a flood"),
    ],
)
async def test_cancelling_closes_the_connection_and_keeps_the_text(script: Script, so_far: str) -> None:
    async with FaultServer(script) as server:
        made, seen = served(server)
        task = asyncio.create_task(made.run())
        (request,) = await server.received(1)
        await seen.until(lambda: made.text.startswith(so_far), what="the text so far")
        await cancelled(task)
        await request.client_gone(within=1)
    assert made.state.status is Status.CANCELLED
    assert made.text.startswith(so_far)
    assert (made.state.error, made.state.complete, made.settled) == (None, False, True)
    assert settled_once(seen)


async def test_cancelling_one_column_leaves_the_other_running() -> None:
    async with FaultServer(by_model={"slow": LONG_STREAM, "quick": Script("all", before_first_token=0.1)}) as server:
        slow, seen = served(server, "slow")
        quick, _ = served(server, "quick")
        tasks = [asyncio.create_task(made.run()) for made in (slow, quick)]
        await seen.some_text()
        await cancelled(tasks[0])
        await tasks[1]
    assert (slow.state.status, quick.state.status, quick.text) == (Status.CANCELLED, Status.DONE, "all")


async def test_cancelling_all_ends_every_column() -> None:
    async with FaultServer(LONG_STREAM) as server:
        columns, observers = zip(*(served(server, f"m{n}") for n in range(3)), strict=True)
        running = asyncio.create_task(run_all(columns))
        for seen in observers:
            await seen.some_text()
        await cancelled(running)
        await server.all_closed(within=1)
    assert {made.state.status for made in columns} == {Status.CANCELLED}


async def test_a_server_without_a_default_model_fails_its_column() -> None:
    async with FaultServer() as server:
        server.by_path["/v1/models"] = Script(body=b'{"object": "list", "data": []}')
        made, _ = served(server, "")
        await made.run()
    assert made.state.error is not None
    assert (made.state.error.kind, made.state.status) == (ErrorKind.MODEL_NOT_FOUND, Status.FAILED)


async def test_a_first_count_is_none_of_a_broken_stream() -> None:
    script = Script(("one ", "two ", "three"), ending=Ending.TRUNCATED)
    async with FaultServer(script) as server:
        made, _ = served(server, provider="anthropic")  # whose first record says `output_tokens: 1`
        await made.run()
    assert (made.state.status, made.state.tokens, made.state.tokens_exact) == (Status.FAILED, 3, False)
    assert made.state.usage is not None
    assert (made.state.usage.completion_tokens, made.state.usage.source) == (3, "estimated")


async def test_a_killed_server_ends_its_own_column_only() -> None:
    endless = Script(("more ",), ending=Ending.ENDLESS, tokens_per_second=200)
    whole = Script(tuple(f"{n} " for n in range(60)), tokens_per_second=200)
    async with FaultServer(endless) as dying, FaultServer(whole) as healthy:
        lost, seen = served(dying)
        kept, _ = served(healthy)
        running = asyncio.create_task(run_all([lost, kept]))
        await seen.until(lambda: lost.text.count("more") > 3, what="some text")
        await dying.stop_abruptly()
        await running
    assert lost.state.error is not None
    assert lost.state.error.kind in {ErrorKind.INCOMPLETE, ErrorKind.TRANSIENT}
    assert (lost.state.status, lost.state.error.retryable, lost.text[:10]) == (Status.FAILED, True, "more more ")
    assert (kept.state.status, kept.text) == (Status.DONE, "".join(whole.text_tokens))
