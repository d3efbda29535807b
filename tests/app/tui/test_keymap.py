"""The user's keymap: every action has an ID, and an invalid entry is reported and ignored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.dom import DOMNode

from swebench_tui.settings.definitions import Settings
from swebench_tui.tui import actions
from swebench_tui.tui.actions import APP, Action, check
from tests.app.tui.pilot import compare_screen, running, shown, toasts, wait_until
from tests.app.tui.stand_in_workspace import StandInWorkspace

KNOWN = (
    Action(id="app.help", key="question_mark", description="help", screen=APP),
    Action(id="compare.run", key="enter", description="run", screen="compare"),
    Action(id="compare.zoom", key="z", description="zoom", screen="compare"),
    Action(id="models.search", key="slash", description="search", screen="models"),
)


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [action.id for action in actions.actions()]
    assert len(ids) == len(set(ids))
    without = [f"{part.__name__} {binding.key}" for part, binding in actions.bindings(DOMNode) if not binding.id]
    assert without == []


def test_the_keys_the_program_comes_with_do_not_clash() -> None:
    own = {action.id: action.key for action in actions.actions()}
    assert check(own, actions.actions()) == (own, [])


@pytest.mark.parametrize(
    ("keymap", "what", "hint"),
    [
        ({"compare.rum": "f5"}, "unknown action 'compare.rum'", "Did you mean 'compare.run'?"),
        ({"xyz": "f5"}, "unknown action 'xyz'", "`swebench-tui keys` lists all actions."),
        ({"compare.run": "ctlr+r"}, "'ctlr+r' is not a key", "Valid keys: f5, ctrl+r"),
        ({"compare.run": ""}, "'' is not a key", "Valid keys: f5, ctrl+r"),
        ({"compare.run": "f5,,"}, "'' is not a key", "Valid keys: f5, ctrl+r"),
        ({"compare.run": "z"}, "compare.run and compare.zoom both use z", "another key"),
        ({"compare.run": "?"}, "compare.run and app.help both use question_mark", "another key"),
        ({"app.help": "/"}, "app.help and models.search both use slash", "another key"),
    ],
)
def test_an_invalid_entry_is_reported_and_ignored(keymap: dict[str, str], what: str, hint: str) -> None:
    good, problems = check(keymap, KNOWN)
    assert good == {}
    assert [(what in problem.what, hint in problem.hint) for problem in problems] == [(True, True)]


def test_actions_may_swap_keys_or_share_across_screens() -> None:
    swapped = {"compare.run": "z", "compare.zoom": "enter", "models.search": "z"}
    assert check(swapped, KNOWN) == (swapped, [])


def test_keys_are_separated_by_commas_and_signs_are_named() -> None:
    assert check({"compare.run": "f5, ctrl+r, +"}, KNOWN) == ({"compare.run": "f5,ctrl+r,plus"}, [])


@given(st.dictionaries(st.sampled_from([action.id for action in KNOWN]), st.text("az?/+,ctrl f5", max_size=8)))
def test_the_valid_part_of_any_keymap_has_no_clash(keymap: dict[str, str]) -> None:
    good, problems = check(keymap, KNOWN)
    assert check(good, KNOWN) == (good, [])
    assert len(good) + len(problems) == len(keymap)


async def test_a_remapped_key_does_what_the_old_one_did() -> None:
    workspace = StandInWorkspace(Settings(keymap={"mode.history": "h", "compare.zoom": "f9"}))
    async with running("compatible:m", workspace=workspace) as pilot:
        await pilot.press("z")
        assert compare_screen(pilot).maximized is None
        await pilot.press("f9")
        await wait_until(pilot, lambda: compare_screen(pilot).maximized is not None, what="the zoom")
        await pilot.press("h")
        await wait_until(pilot, lambda: pilot.app.current_mode == "history", what="History")


async def test_an_invalid_keymap_is_reported_and_the_app_runs() -> None:
    workspace = StandInWorkspace(Settings(keymap={"compare.zom": "f9", "compare.run": "i"}))
    async with running("compatible:m", workspace=workspace, size=(120, 40)) as pilot:
        await wait_until(pilot, lambda: shown(pilot.app.screen).count("Key not used") == 2, what="the message")
        first, second = (toast.message for toast in toasts(pilot))
        assert "Did you mean 'compare.zoom'?" in first
        assert "both use i" in second
        await pilot.press("z")
        await wait_until(pilot, lambda: compare_screen(pilot).maximized is not None, what="the zoom")
