"""The engine's thread: columns started, cancelled and abandoned from other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from swebench_providers import ProviderError, ProviderHealth, ProviderRegistry, UnifiedRequest
from swebench_tui.runs.column import Column
from swebench_tui.runs.engine import Engine
from swebench_tui.runs.generation import Piece
from swebench_tui.runs.generation_state import Status
from swebench_tui.runs.target import Target
from tests.fault_server import Ending, FaultServerProcess, FaultServerThread, Script

STREAM = Script(("one ", "two ", "three"), tokens_per_second=100, ending=Ending.STALL)


class Watched:
    """A column of the engine, and events for what the test waits for."""

    def __init__(self, engine: Engine, model: str = "m") -> None:
        self.first_piece, self.settled = threading.Event(), threading.Event()
        target = Target(provider="compatible", model=model)
        source = asyncio.run(engine.source("compatible"))
        self.column = Column(target, UnifiedRequest(prompt="Why?"), source, observe=self._see)

    def _see(self, column: Column, piece: Piece | None) -> None:
        if piece is not None:
            self.first_piece.set()
        if column.settled:
            self.settled.set()


@pytest.fixture
def engine(server: FaultServerThread) -> Iterator[Engine]:
    engine = Engine(ProviderRegistry({"COMPATIBLE_BASE_URL": server.base_url}))
    yield engine
    engine.close()


def engine_threads() -> int:
    return sum(thread.name == "engine" for thread in threading.enumerate())


def test_a_started_column_runs_to_its_end_by_itself(server: FaultServerThread, engine: Engine) -> None:
    server.server.default = Script("all of it")
    watched = Watched(engine)
    engine.start(watched.column)
    assert watched.settled.wait(10)
    assert (watched.column.state.status, watched.column.text) == (Status.DONE, "all of it")


def test_cancelling_closes_the_connection_of_that_column_only(server: FaultServerThread, engine: Engine) -> None:
    server.server.default = STREAM
    first, second = Watched(engine, "first"), Watched(engine, "second")
    for watched in (first, second):
        engine.start(watched.column)
        assert watched.first_piece.wait(10)
    engine.cancel(first.column)
    assert first.settled.wait(10)
    gone, open_still = sorted(server.server.requests, key=lambda request: str(request.json["model"]))
    server.call(gone.client_gone(within=2))
    assert (first.column.state.status, second.column.state.status) == (Status.CANCELLED, Status.STREAMING)
    assert open_still.closed_by_client_at is None


def test_a_column_cancelled_before_its_first_step_still_ends(server: FaultServerThread, engine: Engine) -> None:
    server.server.default = STREAM
    held, release = threading.Event(), threading.Event()

    async def busy() -> None:
        held.set()
        release.wait(10)  # the loop does nothing meanwhile, as while it reads a large piece

    engine.submit(busy())
    assert held.wait(10)
    watched = Watched(engine)
    engine.start(watched.column)
    engine.cancel(watched.column)
    release.set()
    assert watched.settled.wait(10)
    assert watched.column.state.status is Status.CANCELLED


def test_cancelling_an_idle_or_ended_column_does_nothing(server: FaultServerThread, engine: Engine) -> None:
    server.server.default = Script("done")
    never, ended = Watched(engine), Watched(engine)
    engine.cancel(never.column)
    engine.start(ended.column)
    assert ended.settled.wait(10)
    engine.cancel(ended.column)
    assert engine.submit(asyncio.sleep(0, "still here")).result(10) == "still here"
    assert (never.column.state.status, ended.column.state.status) == (Status.WAITING, Status.DONE)


def test_submit_returns_the_result_or_error_of_a_coroutine(server: FaultServerThread, engine: Engine) -> None:
    provider = engine.registry.get_provider("compatible")
    assert [model.id for model in engine.submit(provider.list_models()).result(10)] == ["mock-model"]
    server.call(server.server.stop_abruptly())
    with pytest.raises(ProviderError, match="no connection to 127"):
        engine.submit(provider.list_models()).result(10)


def test_columns_use_the_shared_state_of_the_engine(server: FaultServerThread, engine: Engine) -> None:
    server.server.default = Script("all of it")
    watched = Watched(engine)
    engine.start(watched.column)
    assert watched.settled.wait(10)

    async def read() -> dict[str, ProviderHealth]:
        return engine.shared.health()

    assert engine.submit(read()).result(10)["compatible"].succeeded == 1
    assert asyncio.run(engine.health())["compatible"].succeeded == 1


def test_closing_while_streaming_leaves_no_thread_and_no_connection(server: FaultServerThread) -> None:
    server.server.default = STREAM
    before = engine_threads()
    engine = Engine(ProviderRegistry({"COMPATIBLE_BASE_URL": server.base_url}))
    columns = [Watched(engine, f"m{n}") for n in range(3)]
    for watched in columns:
        engine.start(watched.column)
        assert watched.first_piece.wait(10)
    engine.close()
    server.call(server.server.all_closed(within=2))
    assert engine_threads() == before
    assert [watched.column.state.status for watched in columns] == [Status.CANCELLED] * 3
    assert all(watched.column.settled for watched in columns)


def test_closing_twice_is_closing_once(server: FaultServerThread) -> None:
    before = engine_threads()
    engine = Engine(ProviderRegistry({"COMPATIBLE_BASE_URL": server.base_url}))
    engine.close()
    engine.close()
    assert engine_threads() == before


def test_eight_columns_at_a_hundred_tokens_a_second_lose_nothing() -> None:
    texts = {f"m{n}": Script(tuple(f"{n}.{token} " for token in range(150)), tokens_per_second=100) for n in range(8)}
    with FaultServerProcess(by_model=texts) as apart:
        engine = Engine(ProviderRegistry({"COMPATIBLE_BASE_URL": apart.base_url}))
        columns = [Watched(engine, model) for model in texts]
        for watched in columns:
            engine.start(watched.column)
        for watched in columns:
            assert watched.settled.wait(30)
        engine.close()
    for watched, script in zip(columns, texts.values(), strict=True):
        assert watched.column.text == "".join(script.text_tokens)
        assert (watched.column.state.status, watched.column.state.tokens) == (Status.DONE, 150)
