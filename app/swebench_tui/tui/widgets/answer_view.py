"""The answer of a model while it streams in: formatted line by line, wrapped, followed at the bottom, never lost."""

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size, clamp
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from swebench_tui.tui.markdown_lines import Line, Look, State, format_line, reasoning_line, title_line
from swebench_tui.tui.plain_text import wrap

_COMPONENTS = {look: f"answer-view--{look.name.lower().replace('_', '-')}" for look in Look if look.name}


class AnswerLines:
    """The lines of one answer, and of the reasoning that may come with it, as text arrives in pieces of any size.

    How the text was cut makes no difference. Where reasoning begins, and where the answer goes on after it, a line with a
    title is put in; the line before it counts as ended.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._answer: list[str] = []
        self._reasoning: list[str] = []
        self._state = State()
        self._open = ""
        self._in_reasoning = False

    @property
    def text(self) -> str:
        """The answer so far, each character as it came."""
        self._answer[:] = ["".join(self._answer)]
        return self._answer[0]

    @property
    def reasoning(self) -> str:
        """The reasoning so far, each character as it came."""
        self._reasoning[:] = ["".join(self._reasoning)]
        return self._reasoning[0]

    def append(self, text: str) -> int:
        """Add to the answer; returns the index of the first line that is new or not as it was."""
        self._answer.append(text)
        return self._extend(text, reasoning=False)

    def append_reasoning(self, text: str) -> int:
        """Add to the reasoning; returns the index of the first line that is new or not as it was."""
        self._reasoning.append(text)
        return self._extend(text, reasoning=True)

    def _extend(self, text: str, *, reasoning: bool) -> int:
        if not text:
            return len(self.lines)
        if reasoning != self._in_reasoning:
            self._turn(reasoning=reasoning)
            unchanged = len(self.lines) - 1
        else:
            unchanged = len(self.lines) - bool(self._open)
            del self.lines[unchanged:]
        *ended, self._open = (self._open + text).split("\n")
        self.lines += [self._end_line(source) for source in ended]
        if self._open:
            self.lines.append(self._format(self._open)[0])
        return unchanged

    def _turn(self, *, reasoning: bool) -> None:
        """From answer to reasoning or back; the open line is on screen already and ends here."""
        if self._open:
            self._end_line(self._open)
        self._open, self._in_reasoning = "", reasoning
        self.lines.append(title_line("thinking" if reasoning else "answer"))

    def _end_line(self, source: str) -> Line:
        line, self._state = self._format(source)
        return line

    def _format(self, source: str) -> tuple[Line, State]:
        return (reasoning_line(source), self._state) if self._in_reasoning else format_line(source, self._state)


class AnswerView(ScrollView, can_focus=True):
    """Shows an answer that grows. A new line costs the same however many there are; it needs a height of its own.

    Text is data here: no markup, no terminal escapes, no HTML. See `markdown_lines` for what is formatted, and for the
    few marks that are not shown.
    """

    HELP = """\
### Answer

The text of the model as it arrives. The view follows the last line until you scroll up, and again from the bottom on.

- Code, diffs and SEARCH/REPLACE blocks are shown character by character, as the model wrote them.
- Control characters are shown as pictures, such as `␛`, or as `�`.
- Select with the mouse to copy what is shown.
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
        &:ansi {
            & > .answer-view--marker, & > .answer-view--quote, & > .answer-view--reasoning { text-style: dim; }
        }
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
        """In the order shown: the line that a row is a part of, and where in the line the row begins."""
        self._following = True
        self._strips: LRUCache[int, Strip] = LRUCache(512)
        self._styles: dict[Look, Style] = {}

    @property
    def text(self) -> str:
        """The answer so far, each character as it came; without the reasoning."""
        return self._answer.text

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered, each character as it came."""
        return self._answer.reasoning

    def append(self, text: str) -> None:
        """Add a piece of the answer, cut anywhere."""
        self._show_from(self._answer.append(text))

    def append_reasoning(self, text: str) -> None:
        """Add a piece of the reasoning, cut anywhere; it is shown dim, under a line that says `thinking`."""
        self._show_from(self._answer.append_reasoning(text))

    def replace(self, text: str) -> None:
        """Show this answer, nothing of what was there, and follow the bottom again."""
        self._answer = AnswerLines()
        self._answer.append(text)
        self._following = True
        self._show_from(0)

    def clear(self) -> None:
        """Show nothing, and follow the bottom again."""
        self.replace("")

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected part of what is shown, lines as they were before wrapping, and the line feed to end it with."""
        spans = ((line.text, selection.get_span(y)) for y, line in enumerate(self._answer.lines))
        return "\n".join(text[span[0] : None if span[1] == -1 else span[1]] for text, span in spans if span), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what is selected, or no longer is."""
        self._strips.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Take the colours of the new style."""
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def watch_scroll_target_y(self, target: float) -> None:
        """Whoever scrolls, by key, wheel, bar or animation, sets the target first; the last row means: follow."""
        self._following = target >= self.max_scroll_y

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width, with the same text at the top unless the bottom is followed."""
        width = self.scrollable_content_region.width
        if width not in (0, self._width):
            top = self._rows[self.scroll_offset.y] if self._rows else (0, 0)
            self._width = width
            self._show_from(0)
            if not self._following:
                self.scroll_to(y=bisect_right(self._rows, top) - 1, animate=False)
        if self._following or self.scroll_target_y >= self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def render_line(self, y: int) -> Strip:
        """The row at `y` below the top of the view."""
        row = self.scroll_offset.y + y
        if row >= len(self._rows):
            return Strip.blank(self.size.width, self._style(Look.PLAIN))
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._render_row(row)
        return strip

    def _show_from(self, line: int) -> None:
        """Wrap the lines from this one on again and repaint their rows, as far as they can be seen."""
        if not self._width:
            return
        row = bisect_left(self._rows, (line, 0))
        for changed in range(row, len(self._rows)):
            self._strips.discard(changed)
        del self._rows[row:]
        for index, shown in enumerate(self._answer.lines[line:], line):
            starts = wrap(shown.text, self._width, hang=self._hang(shown), fold=shown.verbatim)
            self._rows += [(index, start) for start in starts]
        self._set_height(len(self._rows))
        visible = self.scrollable_content_region.height
        top = max(0, row - self.scroll_offset.y)
        if top < visible:
            self.refresh(Region(0, top, self.size.width, visible - top))

    def _set_height(self, rows: int) -> None:
        size = Size(self._width, rows)
        if size != self.virtual_size:
            # Assigned as usual, it would lay out the whole screen for each line; only our own scroll bar is concerned.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if self._following:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def _hang(self, line: Line) -> int:
        """The indentation of wrapped rows, none in a view too narrow for it."""
        return line.hang if line.hang <= self._width // 2 else 0

    def _render_row(self, row: int) -> Strip:
        index, start = self._rows[row]
        line = self._answer.lines[index]
        end = self._rows[row + 1][1] if row + 1 < len(self._rows) else 0
        end = end or len(line.text)
        segments = []
        if start and (hang := self._hang(line)):
            segments.append(self._segment(" " * hang, Look.PLAIN, (max(0, start - hang), index)))
        selected = self._selected(index)
        for span in line.spans:
            if span.start < end and span.end > start:
                first, last = max(span.start, start), min(span.end, end)
                for a, b in pairwise(sorted(clamp(edge, first, last) for edge in (first, *selected, last))):
                    if a < b:
                        chosen = selected[0] <= a < selected[1]
                        segments.append(self._segment(line.text[a:b], span.look, (a, index), selected=chosen))
        return Strip(segments).adjust_cell_length(self.size.width, self._style(Look.PLAIN))

    def _segment(self, text: str, look: Look, offset: tuple[int, int], *, selected: bool = False) -> Segment:
        """A piece of a row that says where it comes from, so that the mouse can select it."""
        style = self._style(look)
        if selected:
            style += self.screen.get_component_rich_style("screen--selection")
        return Segment(text, style + Style.from_meta({"offset": offset}))

    def _selected(self, line: int) -> tuple[int, int]:
        """Where in the line the selection begins and ends; equal when there is none."""
        span = self.text_selection.get_span(line) if self.text_selection else None
        if span is None:
            return 0, 0
        return span[0], len(self._answer.lines[line].text) if span[1] == -1 else span[1]

    def _style(self, look: Look) -> Style:
        style = self._styles.get(look)
        if style is None:
            style = self.get_visual_style(*(_COMPONENTS[part] for part in look)).rich_style
            self._styles[look] = style
        return style
