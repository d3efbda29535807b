"""The bottom line of every screen: the keys that work now."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

_KEY: Final = "bold $footer-key-foreground on $footer-key-background"
_LABEL: Final = "$footer-description-foreground on $footer-description-background"


class KeyLine(Static):
    """Like Textual's `Footer`, which mounts a widget for each key whenever the focus moves; this is one widget.

    A click does what the key does. Help is last. If the line is too short, the last keys before the help are left out:
    the help lists them all.
    """

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self.auto_links = False  # keys look like keys, not like links
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        # While the window is in the background nothing has the focus, and half of the keys would disappear.
        if screen.app.app_focus:
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        keys = self._keys()
        airy = Content.assemble(*(Content.assemble(" ", key, " ", label, " ") for key, label in keys))
        if airy.cell_length <= width:
            return airy
        tight = [Content.assemble(key, " ", label) for key, label in keys]
        while len(tight) > 1 and sum(part.cell_length + 1 for part in tight) - 1 > width:
            del tight[-2]
        return Content(" ").join(tight)

    def _keys(self) -> list[tuple[Content, Content]]:
        """Key and label of each action, by its first key; the help last."""
        first: dict[str, ActiveBinding] = {}
        idle: frozenset[str] = getattr(self.screen, "idle_actions", frozenset())
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.binding.action not in idle:
                first.setdefault(active.binding.action, active)
        shown = list(first.values())
        nodes = list(dict.fromkeys(active.node for active in shown))
        shown.sort(key=lambda active: (_is_help(active), nodes.index(active.node), _declared(active)))
        return [self._key(active) for active in shown]

    def _key(self, active: ActiveBinding) -> tuple[Content, Content]:
        binding = active.binding
        rest = f"{'' if active.enabled else ' dim'} @click=app.simulate_key('{binding.key}')"
        key = Content.styled(self.app.get_key_display(binding), _KEY + rest)
        return key, Content.styled(binding.description, _LABEL + rest)


def _is_help(active: ActiveBinding) -> bool:
    return active.binding.action.endswith("toggle_help")


def _declared(active: ActiveBinding) -> int:
    """The index of a key in its class's `BINDINGS`. Textual puts a key of the user's keymap last."""
    ids = _ids(type(active.node))
    return ids.index(active.binding.id) if active.binding.id in ids else len(ids)


@cache
def _ids(kind: type[DOMNode]) -> list[str | None]:
    declared = [part.__dict__.get("BINDINGS", ()) for part in reversed(kind.__mro__)]
    return [binding.id for some in declared for binding in Binding.make_bindings(some)]
