"""A scrollable view of an answer that is still streaming in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size, clamp
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget

from swebench_tui.tui.answer.line import Line, Look
from swebench_tui.tui.answer.lines import AnswerLines
from swebench_tui.tui.answer.wrapping import wrap

_COMPONENTS = {look: f"answer-view--{look.name.lower().replace('_', '-')}" for look in Look if look.name}
_CONTINUED = "↳ "
_CACHED_SCREENS = 4
_EFFECTS = ("tint", "text_opacity", "hatch", "outline_top", "outline_right", "outline_bottom", "outline_left")


class AnswerView(ScrollView, can_focus=True):
    """Shows a growing answer: wrapped, formatted, and scrolled along with its last line.

    Text is data here: no markup, no terminal escapes, no HTML. `answer.markdown` documents what is formatted and which
    few marks are hidden. The height must not depend on the content. Put border and padding on the container: a view
    without them paints its rows from a cache, which is several times cheaper.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_COMPONENTS.values())

    DEFAULT_CSS = """
    AnswerView {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .answer-view--marker { color: $text-muted; }
        & > .answer-view--heading { color: $text-primary; text-style: bold; }
        & > .answer-view--quote { color: $text-muted; text-style: italic; }
        & > .answer-view--reasoning { color: $text-muted; text-style: italic; }
        & > .answer-view--file { color: $text-primary; text-style: bold; }
        & > .answer-view--hunk { color: $text-accent; }
        & > .answer-view--removed { color: $text-error; }
        & > .answer-view--added { color: $text-success; }
        & > .answer-view--code { color: $text-warning; }
        & > .answer-view--bold { text-style: bold; }
        & > .answer-view--italic { text-style: italic; }
        &:ansi > .answer-view--hunk { color: $text-secondary; }
        &:ansi > .answer-view--marker { text-style: dim; }
        &:ansi > .answer-view--quote { text-style: dim italic; }
        &:ansi > .answer-view--reasoning { text-style: dim italic; }
        &:nocolor > .answer-view--code { text-style: underline; }
    }
    """

    def __init__(
        self,
        text: str = "",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  (Textual's own name)
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._answer = AnswerLines()
        self._answer.append(text)
        self._width = 0
        self._rows: list[tuple[int, int]] = []
        """For each row from the top: the index of its line, and its first character in the line."""
        self._following = True
        self._thumb = (0, 0)
        self._painted: dict[int, Strip] = {}
        """Rows as `render_lines` returned them, by index."""
        self._painted_with: tuple[int, Color, Sequence[LineFilter]] | None = None
        """Width, background and filters of the painted rows."""
        self._styles: dict[tuple[Look, bool], Style] = {}

    @property
    def text(self) -> str:
        """The answer so far, unchanged and without the reasoning."""
        return self._answer.text

    @property
    def reasoning(self) -> str:
        """The reasoning so far, unchanged."""
        return self._answer.reasoning

    def append(self, text: str) -> None:
        """Add a piece of the answer; it may be cut anywhere."""
        if text:
            self._show_from(self._answer.append(text))

    def append_reasoning(self, text: str) -> None:
        """Add a piece of the reasoning; it may be cut anywhere. Shown dim, below a `thinking` line."""
        if text:
            self._show_from(self._answer.append_reasoning(text))

    def replace(self, text: str) -> None:
        """Replace answer and reasoning by this answer, and follow its last line."""
        self._answer = AnswerLines()
        self._answer.append(text)
        self._following = True
        self._show_from(0)

    def clear(self) -> None:
        """Remove answer and reasoning."""
        self.replace("")

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected text with its lines unwrapped, and the line feed that ends it."""
        spans = ((line.text, self._span(selection, index)) for index, line in enumerate(self._answer.lines))
        return "\n".join(text[slice(*span)] for text, span in spans if span), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the new selection."""
        self._painted.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Paint in the new colours."""
        super().notify_style_update()
        self._painted.clear()
        self._styles.clear()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width. The same text stays at the top, unless the last line is followed."""
        width = self.scrollable_content_region.width
        if width not in (0, self._width):
            top = self._rows[min(self.scroll_offset.y, len(self._rows) - 1)] if self._rows else (0, 0)
            self._width = width
            self._show_from(0)
            if not self._following:
                self.scroll_to(y=bisect_right(self._rows, top) - 1, animate=False)
        if self._following or self.scroll_target_y >= self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def watch_scroll_target_y(self, target: float) -> None:
        """Follow the last line once it is reached. Keys, wheel, bar and animations all set the target first."""
        self._following = target >= self.max_scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Move the text and the thumb of the scroll bar."""
        self._update_scroll_bar()
        if round(old_value) != round(new_value):
            self.refresh(self._visible.region)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows inside `crop`, from the cache unless there is a border, padding or effect to draw."""
        if self._is_decorated():
            return super().render_lines(crop)
        width, background, filters = self._visible.width, self.background_colors[1], self.get_line_filters()
        if self._painted_with != (width, background, filters):
            self._painted_with = width, background, filters
            self._painted.clear()
        painted, first = self._painted, self.scroll_offset.y + crop.y
        strips = []
        for row in range(first, first + crop.height):
            strip = painted.get(row)
            if strip is None:
                strip = self._paint(row, width)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, background)
                painted[row] = strip
            strips.append(strip)
        if len(painted) > _CACHED_SCREENS * self.outer_size.height:
            self._painted = dict(zip(range(first, first + crop.height), strips, strict=True))
        return strips if crop.column_span == (0, width) else [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """The row at `y` below the top of the view."""
        return self._paint(self.scroll_offset.y + y, self._visible.width)

    def _paint(self, row: int, width: int) -> Strip:
        if row >= len(self._rows):
            return Strip.blank(width, self._style(Look.PLAIN))
        return Strip(self._segments(row)).adjust_cell_length(width, self._style(Look.PLAIN))

    @property
    def _visible(self) -> Size:
        """`size`, computed without the layout, which no longer has a view that was removed."""
        return self.outer_size - self.styles.gutter.totals

    def _show_from(self, line: int) -> None:
        """Wrap the lines from index `line` on, and repaint the rows that are visible."""
        if not self._width:
            return
        row, before = bisect_left(self._rows, (line, 0)), len(self._rows)
        del self._rows[row:]
        for index, changed in enumerate(self._answer.lines[line:], line):
            starts = wrap(changed.text, self._width, hang=self._hang(changed), fold=changed.verbatim)
            self._rows += [(index, start) for start in starts]
        end = max(before, len(self._rows))
        for stale in range(row, end):
            self._painted.pop(stale, None)
        self._update_height()
        top, visible = self.scroll_offset.y, self._visible
        first, last = max(0, row - top), min(visible.height, end - top)
        if first < last:
            self.refresh(Region(0, first, visible.width, last - first))

    def _update_height(self) -> None:
        size = Size(self._width, len(self._rows))
        if size != self.virtual_size:
            # An ordinary assignment lays out the whole screen again; a new row concerns our scroll bar alone.
            self.set_reactive(Widget.virtual_size, size)
            self._show_scroll_bar(len(self._rows) > self.container_size.height)
        if self._following and self.scroll_target_y != self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        self._update_scroll_bar()

    def _show_scroll_bar(self, shown: bool) -> None:
        if shown != self.show_vertical_scrollbar:
            self.show_vertical_scrollbar = shown
            self.vertical_scrollbar.display = shown

    def _update_scroll_bar(self) -> None:
        """Move the thumb by whole cells: the bar costs more to paint than the text."""
        if not self.show_vertical_scrollbar:
            return
        bar, rows, view = self.vertical_scrollbar, max(1, len(self._rows)), self._visible.height
        bar.set_reactive(ScrollBar.window_virtual_size, len(self._rows))
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        thumb = round(view * self.scroll_y / rows), round(view * view / rows)
        if thumb != self._thumb:
            self._thumb = thumb
            bar.refresh()

    def _is_decorated(self) -> bool:
        return self.styles.gutter.totals != (0, 0) or self.styles.has_any_rules(*_EFFECTS) or self.opacity != 1

    def _hang(self, line: Line) -> int:
        """The indent of wrapped rows in cells; 0 if it would take more than half of the width."""
        hang = len(_CONTINUED) if line.verbatim else line.hang
        return hang if hang <= self._width // 2 else 0

    def _segments(self, row: int) -> Iterator[Segment]:
        index, start = self._rows[row]
        line = self._answer.lines[index]
        end = (self._rows[row + 1][1] if row + 1 < len(self._rows) else 0) or len(line.text)
        if start and (hang := self._hang(line)):
            indent = _CONTINUED if line.verbatim else " " * hang
            yield self._segment(indent, Look.MARKER, (max(0, start - hang), index))
        selection = self.text_selection if self.is_attached else None  # a removed view is painted once more
        selected = self._span(selection, index) or (0, 0)
        for span in line.spans:
            if span.start < end and span.end > start:
                first, last = max(span.start, start), min(span.end, end)
                for a, b in pairwise(sorted(clamp(edge, first, last) for edge in (first, *selected, last))):
                    if a < b:
                        chosen = selected[0] <= a < selected[1]
                        yield self._segment(line.text[a:b], span.look, (a, index), selected=chosen)

    def _segment(self, text: str, look: Look, offset: tuple[int, int], *, selected: bool = False) -> Segment:
        """A piece of a row with its place in the text, which the mouse needs to select it."""
        return Segment(text, self._style(look, selected=selected) + Style.from_meta({"offset": offset}))

    def _span(self, selection: Selection | None, line: int) -> tuple[int, int] | None:
        """Start and end of the selection in a line; None if the line is outside of it."""
        span = selection.get_span(line) if selection else None
        return (span[0], len(self._answer.lines[line].text)) if span and span[1] == -1 else span

    def _style(self, look: Look, *, selected: bool = False) -> Style:
        style = self._styles.get((look, selected))
        if style is None:
            visual = self.get_visual_style(*(_COMPONENTS[part] for part in look))
            if selected:
                visual += VisualStyle.from_styles(self.screen.get_component_styles("screen--selection"))
            style = self._styles[look, selected] = visual.rich_style
        return style
