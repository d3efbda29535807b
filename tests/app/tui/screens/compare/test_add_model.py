"""The dialog that adds a column: typed targets, and a provider's models listed live."""

from __future__ import annotations

from functools import partial

from textual.widgets import Input, OptionList

from swebench_tui.tui.screens.compare.add_model import AddModelScreen
from tests.app.tui.pilot import compare_screen, paste, running, shown, top_screen, wait_until
from tests.fault_server import FaultServer, Script, failing, html_page, json_body

ONE = ("compatible:first",)


def models(*names: str) -> Script:
    return json_body({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def shows(dialog: AddModelScreen, *texts: str) -> bool:
    return all(text in shown(dialog) for text in texts)


async def test_a_provider_can_be_chosen_and_a_target_typed_whole() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        for name in ("anthropic", "compatible", "embedded", "llamacpp", "ollama", "openai"):
            assert name in shown(dialog)
        await paste(pilot, "embed")
        await wait_until(pilot, lambda: dialog.query_one(OptionList).option_count == 1, what="the one that matches")
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="the new column")
        assert str(compare_screen(pilot).columns[1].target) == "embedded"
        assert compare_screen(pilot).columns[1].has_focus_within
        await pilot.press("a")
        await top_screen(pilot, AddModelScreen)
        await paste(pilot, "ollama:qwen3-coder:30b")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 3, what="the third column")
        assert str(compare_screen(pilot).columns[2].target) == "ollama:qwen3-coder:30b"


async def test_after_the_colon_the_providers_models_are_listed_live() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        server.by_path["/v1/models"] = models("alpha-7b", "beta-70b", "beta-mini")
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        await wait_until(pilot, lambda: "3 models" in shown(dialog), what="the models")
        assert "compatible:alpha-7b" in shown(dialog)
        await paste(pilot, "beta")
        await wait_until(pilot, lambda: dialog.query_one(OptionList).option_count == 2, what="those that match")
        await pilot.press("down", "down", "enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="the new column")
        assert str(compare_screen(pilot).columns[1].target) == "compatible:beta-mini"
        assert len([request for request in server.requests if request.path == "/v1/models"]) == 1


async def test_going_back_before_the_colon_lists_the_providers_again() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "ollama:")
        await wait_until(pilot, lambda: "ollama:mock-model" in shown(dialog), what="its model")
        assert "1 models" not in shown(dialog)
        dialog.query_one(Input).clear()
        await wait_until(pilot, lambda: "anthropic" in shown(dialog), what="the providers")


async def test_an_invalid_target_is_an_error_in_the_dialog() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "→ Write it as PROVIDER:MODEL" in shown(dialog), what="how to write one")
        await paste(pilot, "olama:[b]x[/b]")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "✗ unknown provider 'olama'" in shown(dialog), what="the error")
        assert "→ Did you mean 'ollama'?" in shown(dialog)
        assert len(compare_screen(pilot).columns) == 1


async def test_a_missing_server_is_an_error_in_the_dialog() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        await server.stop_abruptly()
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        await wait_until(pilot, lambda: "✗ no connection to 127.0.0.1" in shown(dialog), what="the error")
        assert "→ Start the server, or check its port." in shown(dialog)
        assert "Loading models of compatible" not in shown(dialog)
        await paste(pilot, "typed-anyway")
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="the new column")
        assert str(compare_screen(pilot).columns[1].target) == "compatible:typed-anyway"


async def test_typing_the_provider_again_lists_its_models_again() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        for script, what in [(failing(401, "who are you?"), "who are you?"), (html_page(), "web page")]:
            server.by_path["/v1/models"] = script
            dialog.query_one(Input).clear()
            await paste(pilot, "compatible:")
            await wait_until(pilot, partial(shows, dialog, what, "→ "), what=what)


async def test_a_provider_without_an_address_says_which_variable_to_set() -> None:
    async with running(*ONE) as pilot:
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        await wait_until(pilot, lambda: "COMPATIBLE_BASE_URL" in shown(dialog), what="the variable")


async def test_escape_closes_the_connection_to_a_slow_server() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        server.by_path["/v1/models"] = Script(before_head=3600)
        await pilot.press("a")
        await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        (request,) = await server.received(1)
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is compare_screen(pilot), what="the dialog gone")
        await request.client_gone(within=2)
        assert len(compare_screen(pilot).columns) == 1


async def test_hostile_model_names_are_shown_literally_and_asked_for_exactly() -> None:
    name = "evil [b]x[/b]\x1b]0;t\x07"
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        server.by_path["/v1/models"] = models(name)
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        await wait_until(pilot, lambda: "compatible:evil [b]x[/b]␛]0;t␇" in shown(dialog), what="the name")
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(compare_screen(pilot).columns) == 2, what="the new column")
        await pilot.press("r")
        (sent,) = await server.received_chats(1)
        assert sent.json["model"] == name
        assert "\x1b" not in shown(pilot.app.screen)


async def test_two_models_of_one_name_can_both_be_listed() -> None:
    async with FaultServer() as server, running(*ONE, server=server) as pilot:
        server.by_path["/v1/models"] = models("twin", "twin")
        await pilot.press("a")
        dialog = await top_screen(pilot, AddModelScreen)
        await paste(pilot, "compatible:")
        await wait_until(pilot, lambda: dialog.query_one(OptionList).option_count == 2, what="both")
