"""The bottom line of every screen: the keys that work here and now."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

_KEY: Final = "bold $footer-key-foreground on $footer-key-background"
_WORD: Final = "$footer-description-foreground on $footer-description-background"


class KeyLine(Static):
    """Textual's `Footer` in one widget: that one mounts a widget for each key anew whenever the focus moves.

    A click does what the key does. Help stands last. Where the line is too short, keys are left out from behind, but
    never the help, which tells them all.
    """

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self.auto_links = False  # keys look like keys, not like links
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        # While the terminal's window is in the background nothing has the focus, and half of the keys would go.
        if screen.app.app_focus:
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        keys = self._keys()
        airy = Content.assemble(*(Content.assemble(" ", key, " ", word, " ") for key, word in keys))
        if airy.cell_length <= width:
            return airy
        tight = [Content.assemble(key, " ", word) for key, word in keys]
        while len(tight) > 1 and sum(part.cell_length + 1 for part in tight) - 1 > width:
            del tight[-2]
        return Content(" ").join(tight)

    def _keys(self) -> list[tuple[Content, Content]]:
        """Each action once, by its first key, with its word; the help last."""
        first: dict[str, ActiveBinding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show:
                first.setdefault(active.binding.action, active)
        shown = list(first.values())
        nodes = list(dict.fromkeys(active.node for active in shown))
        shown.sort(key=lambda active: (_is_help(active), nodes.index(active.node), _declared(active)))
        return [self._key(active) for active in shown]

    def _key(self, active: ActiveBinding) -> tuple[Content, Content]:
        binding = active.binding
        rest = f"{'' if active.enabled else ' dim'} @click=app.simulate_key('{binding.key}')"
        key = Content.styled(self.app.get_key_display(binding), _KEY + rest)
        return key, Content.styled(binding.description, _WORD + rest)


def _is_help(active: ActiveBinding) -> bool:
    return active.binding.action.endswith("toggle_help")


def _declared(active: ActiveBinding) -> int:
    """The place of a key among those of its screen or widget: one that the user has moved stands last otherwise."""
    ids = _ids(type(active.node))
    return ids.index(active.binding.id) if active.binding.id in ids else len(ids)


@cache
def _ids(kind: type[DOMNode]) -> list[str | None]:
    declared = [part.__dict__.get("BINDINGS", ()) for part in reversed(kind.__mro__)]
    return [binding.id for some in declared for binding in Binding.make_bindings(some)]
