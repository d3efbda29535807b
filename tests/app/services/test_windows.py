"""Where the window of a model is known from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from swebench_providers import ModelInfo
from swebench_tui.runs.target import Target, parse_target
from swebench_tui.services.comparison import BaseURLs
from swebench_tui.services.provider_access import CommandAccess
from swebench_tui.services.target_models import TargetModels
from swebench_tui.services.windows import ModelLimits
from swebench_tui.settings.workspace import Workspace
from tests.app.scripted import Listing, OnlyThese
from tests.app.tui.stand_in_workspace import StandInWorkspace
from tests.fault_server import FaultServerThread, Script, failing, json_body


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[CommandAccess]:
    workspace = Workspace({}, config_folder=tmp_path / "config", data_folder=tmp_path / "data")
    async with CommandAccess(workspace) as access:
        yield access


async def limits(access: CommandAccess, target: str, base_url: str | None = None) -> ModelLimits:
    urls = BaseURLs([base_url] if base_url else [])
    return (await TargetModels(access, urls).find(parse_target(target))).limits


async def test_a_model_of_the_catalog_needs_no_request(access: CommandAccess, server: FaultServerThread) -> None:
    known = await limits(access, "openai:gpt-5.4", server.base_url)
    assert known == ModelLimits(window=1_050_000, max_output=128_000, source="catalog")
    assert server.server.requests == []


async def test_a_local_server_is_requested_for_its_loaded_window(
    access: CommandAccess, server: FaultServerThread
) -> None:
    server.server.by_path["/props"] = json_body({"default_generation_settings": {"n_ctx": 4_096}, "build_info": "b1"})
    assert await limits(access, "llamacpp:any-name", server.base_url) == ModelLimits(window=4_096, source="server")


async def test_ollama_reports_the_window_of_the_named_model(access: CommandAccess, server: FaultServerThread) -> None:
    details = {"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960}}
    server.server.by_path["/api/show"] = json_body(details)
    assert await limits(access, "ollama:qwen3", server.base_url) == ModelLimits(window=40_960, source="server")
    requested = [request.json for request in server.server.requests if request.path == "/api/show"]
    assert requested == [{"model": "qwen3"}]


async def test_a_server_that_reports_nothing_leaves_it_unknown(
    access: CommandAccess, server: FaultServerThread
) -> None:
    server.server.by_path["/v1/models"] = failing(500, "no")
    assert await limits(access, "compatible:m", server.base_url) == ModelLimits()


async def test_a_server_that_is_gone_leaves_it_unknown(access: CommandAccess, server: FaultServerThread) -> None:
    server.call(server.server.stop_abruptly())
    assert await limits(access, "llamacpp:m", server.base_url) == ModelLimits()


async def test_a_server_of_no_named_model_leaves_the_model_unknown(
    access: CommandAccess, server: FaultServerThread
) -> None:
    server.server.by_path["/v1/models"] = Script(body=b'{"data": []}')
    model = await TargetModels(access, BaseURLs([server.base_url])).find(Target(provider="compatible"))
    assert (model.name, model.limits) == ("", ModelLimits())


async def test_a_list_of_models_with_windows_is_used() -> None:
    registry = OnlyThese(acme=Listing(ModelInfo(id="m", context_window=32_000, max_output=2_000)))
    async with CommandAccess(StandInWorkspace(registry=registry)) as access:
        found = await TargetModels(access).find(parse_target("acme:m"))
        other = await TargetModels(access).find(parse_target("acme:other"))
    assert (found.limits.window, found.limits.max_output) == (32_000, 2_000)
    assert other.limits == ModelLimits()


async def test_a_model_is_looked_up_once(access: CommandAccess, server: FaultServerThread) -> None:
    models = TargetModels(access, BaseURLs([server.base_url]))
    for _ in range(2):
        await models.find(parse_target("compatible:m"))
    assert len(server.server.requests) == 1


async def test_unknown_limits_are_looked_up_again_when_forgotten(
    access: CommandAccess, server: FaultServerThread
) -> None:
    models = TargetModels(access, BaseURLs([server.base_url]))
    for _ in range(2):
        await models.find(parse_target("compatible:m"))
        models.forget_unknown()
    assert len(server.server.requests) == 2
