"""Help: the keys of the focused widget, then those of the screen, then those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Markdown, Static

from swebench_tui.tui.bindings import description
from swebench_tui.tui.modes import MODES
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine

_KEY_WIDTH = 14
EVERYWHERE = "Everywhere"
_MOVEMENT = ("cursor_", "scroll_", "page_", "first", "last")


class HelpScreen(Dialog[None], inherit_bindings=False):
    """Help for the screen below, as it was when help was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_help", "back", id="help.leave"),
        Binding("question_mark", "dismiss_help", "back", show=False, id="help.toggle"),
        Binding("f1", "dismiss_help", "back", show=False, id="help.toggle_too"),
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._sections = list(sections(screen))
        self._prose = _prose(screen)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog help") as dialog:
            dialog.border_title = "Help"
            for title, rows in self._sections:
                if title == EVERYWHERE and self._prose:
                    yield Markdown(self._prose, open_links=False)
                yield Static(Content.assemble((title, "bold"), "\n", Content("\n").join(_row(*row) for row in rows)))
        yield KeyLine()

    def action_dismiss_help(self) -> None:
        self.dismiss(None)


def sections(screen: Screen[object]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles with rows of (keys, description). Each key is in one section only."""
    focused = screen.focused
    name = "" if focused is None else _name(focused)
    by_title: dict[str, list[tuple[str, ActiveBinding]]] = {
        f"In focus: {name}": [],
        _name(screen): [],
        EVERYWHERE: [],
        f"Moving and editing: {name}": [],
    }
    own, of_screen, everywhere, textual = by_title.values()
    focus_actions: frozenset[str] = getattr(screen, "FOCUS_ACTIONS", frozenset())
    for key, active in screen.active_bindings.items():
        if not active.binding.description:
            continue
        if active.binding.id is None:  # a binding of Textual
            rows = textual if active.node is focused else []
        elif active.node is screen.app:
            rows = everywhere
        else:
            rows = of_screen if active.node is screen and active.binding.id not in focus_actions else own
        rows.append((key, active))
    yield from ((title, _rows(screen, rows)) for title, rows in by_title.items() if rows)


def _rows(screen: Screen[object], bound: Iterable[tuple[str, ActiveBinding]]) -> list[tuple[str, str]]:
    """One row per action, with all its keys."""
    rows: dict[str, list[str]] = {}
    for key, active in bound:
        shown = screen.app.get_key_display(active.binding.with_key(key))
        rows.setdefault(_description(active), []).append(shown)
    return [(" ".join(keys), description) for description, keys in rows.items()]


def _description(active: ActiveBinding) -> str:
    """What the key does. All keys that only move share one description, and so do those of the modes."""
    binding = active.binding
    if binding.id is None and binding.action.startswith(_MOVEMENT):
        return "move"
    if binding.id is not None and binding.id.startswith("mode."):
        return f"go to {', '.join(mode.title for mode in MODES)}"
    return description(type(active.node), binding)


def _name(node: DOMNode) -> str:
    """The border title of the nearest widget that has one, else the class name in plain words."""
    named = next((part for part in node.ancestors_with_self if isinstance(part, Widget) and part.border_title), None)
    if named is not None and not isinstance(node, Screen):
        return Content.from_text(named.border_title or "", markup=False).plain
    name = type(node).__name__.removesuffix("Screen").removesuffix("View")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize()


def _prose(screen: Screen[object]) -> str:
    """The `HELP` text of the focused widget or its nearest ancestor; "" when there is none."""
    node = screen.focused or screen
    return next((text for part in node.ancestors_with_self if (text := getattr(part, "HELP", None))), "")


def _row(key: str, description: str) -> Content:
    return Content.assemble((f"  {key:<{_KEY_WIDTH}}", "$text-accent"), " ", description)
