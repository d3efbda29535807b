"""A mixin for widgets that stand beside others which change all the time."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class CachedLines(Widget):
    """Renders its lines when it is refreshed or resized, and not whenever a widget beside or inside it changes.

    Textual asks every widget in the smallest rectangle around all changes for its lines. With eight streaming columns
    that is the whole screen, and lines that stay the same cost a third of the CPU time. Stands last among the bases:
    Textual takes the style sheet of the first one.
    """

    _rendered: list[Strip] | None = None
    _rendered_for: tuple[object, ...] = ()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Render anew."""
        self._rendered = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Render with the new styles."""
        self._rendered = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines inside `crop`."""
        rendered_for = crop, self.outer_size, self.background_colors, self.get_line_filters()
        if self._rendered is None or self._rendered_for != rendered_for:
            self._rendered = super().render_lines(crop)
            self._rendered_for = rendered_for
        return self._rendered
