"""Help for what has the focus: its own keys first, then the screen's, then those that work everywhere."""

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

from swebench_tui.tui.bindings import words
from swebench_tui.tui.modes import MODES
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.widgets.key_line import KeyLine

_KEY_WIDTH = 14
EVERYWHERE = "Everywhere"
_MOVING = ("cursor_", "scroll_", "page_", "first", "last")


class HelpScreen(Dialog[None], inherit_bindings=False):
    """Of the screen below, as it was when help was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_help", "back", id="help.leave"),
        Binding("question_mark", "dismiss_help", "back", show=False, id="help.toggle"),
        Binding("f1", "dismiss_help", "back", show=False, id="help.toggle_too"),
    ]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._sections = list(sections(about))
        self._prose = _prose(about)

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
    """Titles, and below each one keys and what they do. Each key stands in one place."""
    focused = screen.focused
    name = "" if focused is None else _name(focused)
    found: dict[str, list[tuple[str, ActiveBinding]]] = {
        f"In focus: {name}": [],
        _name(screen): [],
        EVERYWHERE: [],
        f"Moving and editing: {name}": [],
    }
    own, of_screen, everywhere, textual = found.values()
    about_focus: frozenset[str] = getattr(screen, "FOCUS_ACTIONS", frozenset())
    for key, active in screen.active_bindings.items():
        if not active.binding.description:
            continue
        if active.binding.id is None:  # one of Textual's own
            rows = textual if active.node is focused else []
        elif active.node is screen.app:
            rows = everywhere
        else:
            rows = of_screen if active.node is screen and active.binding.id not in about_focus else own
        rows.append((key, active))
    yield from ((title, _rows(screen, rows)) for title, rows in found.items() if rows)


def _rows(screen: Screen[object], bound: Iterable[tuple[str, ActiveBinding]]) -> list[tuple[str, str]]:
    """Keys that do the same stand in one row."""
    rows: dict[str, list[str]] = {}
    for key, active in bound:
        shown = screen.app.get_key_display(active.binding.with_key(key))
        rows.setdefault(_meaning(active), []).append(shown)
    return [(" ".join(keys), words) for words, keys in rows.items()]


def _meaning(active: ActiveBinding) -> str:
    """What the key does. Keys that only move, and those of the modes, are told together."""
    binding = active.binding
    if binding.id is None and binding.action.startswith(_MOVING):
        return "move"
    if binding.id is not None and binding.id.startswith("mode."):
        return f"go to {', '.join(mode.title for mode in MODES)}"
    return words(type(active.node), binding)


def _name(node: DOMNode) -> str:
    """What a person would call it: the title of the nearest part that has one, else its kind."""
    named = next((part for part in node.ancestors_with_self if isinstance(part, Widget) and part.border_title), None)
    if named is not None and not isinstance(node, Screen):
        return Content.from_text(named.border_title or "", markup=False).plain
    words = type(node).__name__.removesuffix("Screen").removesuffix("View")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in words).strip().capitalize()


def _prose(screen: Screen[object]) -> str:
    """The nearest word on what has the focus."""
    node = screen.focused or screen
    return next((text for part in node.ancestors_with_self if (text := getattr(part, "HELP", None))), "")


def _row(key: str, words: str) -> Content:
    return Content.assemble((f"  {key:<{_KEY_WIDTH}}", "$text-accent"), " ", words)
