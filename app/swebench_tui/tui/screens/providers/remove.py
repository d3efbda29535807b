"""Removing a provider's settings and stored keys, after a confirmation."""

from __future__ import annotations

import asyncio

import msgspec
from textual.screen import Screen

from swebench_tui.settings.errors import SetupError
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.providers.dialogs import ConfirmScreen


async def remove_provider(screen: Screen[None], workspace: Workspace, name: str) -> bool:
    """Ask, remove, and report in a notification. Returns whether anything may have changed."""
    try:
        configured = await asyncio.to_thread(workspace.in_user_file, ("providers", name))
    except SetupError as error:
        _report(screen, "Nothing was removed", error)
        return False
    if not configured:
        screen.notify(one_line(f"Your settings file has no settings for {name}."), markup=False)
        return False
    if not await screen.app.push_screen_wait(ConfirmScreen(f"Remove {name}?", _consequences(workspace, name))):
        return False
    try:
        await asyncio.to_thread(workspace.providers.remove, name)
    except SetupError as error:
        _report(screen, f"{name} was removed only in part", error)
    else:
        screen.notify(one_line(f"Removed {name} from your settings."), markup=False)
    return True


def _report(screen: Screen[None], title: str, error: SetupError) -> None:
    message = one_line(f"{error} → {error.hint}")
    screen.notify(message, title=one_line(title), severity="error", markup=False)


def _consequences(workspace: Workspace, name: str) -> list[str]:
    """What will be removed, for the confirmation."""
    own = workspace.settings.providers.get(name)
    lines = ["Removed from your settings file:"]
    lines += [f"  {field}" for field in (msgspec.to_builtins(own) if own else {}) if field != "keys"]
    lines += [
        f"  key {key.label!r} for {key.host}, stored in the {key.storage}" for key in workspace.keys.entries(name)
    ]
    if own is not None and own.like:
        lines.append(f"{name} is a custom provider: it disappears from the list.")
    lines.append("Environment variables and project files are not changed.")
    return lines
