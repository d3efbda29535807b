"""The commands of the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from swebench_tui.tui.bindings import description
from swebench_tui.tui.modes import MODES


def commands(app: App[Any], screen: Screen[object]) -> Iterator[SystemCommand]:
    """The screen's actions, the modes, and what has no key of its own."""
    for key, active in screen.active_bindings.items():
        binding, node = active.binding, active.node
        if binding.id and active.enabled and not binding.id.startswith(("mode.", "app.", "dialog.")):
            yield SystemCommand(description(type(node), binding), f"Key {key}", _run(app, binding.action, node))
    for mode in MODES:
        yield SystemCommand(f"Go to {mode.title}", f"Key {mode.key}", _run(app, f"mode('{mode.name}')", app))
    for title, text, action in (
        ("Theme", "Choose a theme and save it", "change_theme"),
        ("Settings", "Values, their sources, and changes", "open_settings"),
        ("Set up again", "Providers and keys, step by step", "open_wizard"),
        ("Help", "Keys of the focused widget", "toggle_help"),
        ("Quit", "Cancel all requests and exit", "quit"),
    ):
        yield SystemCommand(title, text, _run(app, action, app))


def _run(app: App[Any], action: str, node: object) -> Callable[[], object]:
    async def run() -> None:
        await app.run_action(action, node)  # type: ignore[arg-type]

    return run
