"""The formatted lines of an answer, from pieces of text that may be cut anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swebench_tui.tui.answer.line import Line, Look, Span
from swebench_tui.tui.answer.wrapping import display_line

if TYPE_CHECKING:
    from swebench_tui.tui.answer.markdown import State


class AnswerLines:
    """The lines of an answer and of its reasoning, in the order they arrived.

    A title line separates reasoning and answer; it ends the line before it.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._answer: list[str] = []
        self._reasoning: list[str] = []
        self._state: State | None = None
        self._open = ""
        self._in_reasoning = False

    @property
    def text(self) -> str:
        """The answer so far, unchanged."""
        return _joined(self._answer)

    @property
    def reasoning(self) -> str:
        """The reasoning so far, unchanged."""
        return _joined(self._reasoning)

    def append(self, text: str) -> int:
        """Add to the answer. Returns the index of the first new or changed line."""
        self._answer.append(text)
        return self._extend(text, reasoning=False)

    def append_reasoning(self, text: str) -> int:
        """Add to the reasoning. Returns the index of the first new or changed line."""
        self._reasoning.append(text)
        return self._extend(text, reasoning=True)

    def _extend(self, text: str, *, reasoning: bool) -> int:
        if not text:
            return len(self.lines)
        if reasoning != self._in_reasoning:
            self._begin_part(reasoning=reasoning)
            changed = len(self.lines) - 1
        else:
            changed = len(self.lines) - bool(self._open)
            del self.lines[changed:]
        *ended, self._open = (self._open + text).split("\n")
        self.lines += [self._end_line(source) for source in ended]
        if self._open:
            self.lines.append(self._format(self._open)[0])
        return changed

    def _begin_part(self, *, reasoning: bool) -> None:
        """Change from answer to reasoning or back. The open line, which is among the lines already, ends."""
        if self._open:
            self._end_line(self._open)
        self._open, self._in_reasoning = "", reasoning
        self.lines.append(_uniform(f"── {'thinking' if reasoning else 'answer'} ──", Look.MARKER))

    def _end_line(self, source: str) -> Line:
        line, self._state = self._format(source)
        return line

    def _format(self, source: str) -> tuple[Line, State | None]:
        if self._in_reasoning:
            return _uniform(display_line(source), Look.REASONING), self._state
        from swebench_tui.tui.answer.markdown import State, format_line  # noqa: PLC0415 - the app starts without it

        return format_line(source, self._state or State())


def _uniform(text: str, look: Look) -> Line:
    return Line(text, (Span(0, len(text), look),) if text else (), hang=len(text) - len(text.lstrip(" ")))


def _joined(pieces: list[str]) -> str:
    """Join the pieces, and keep the result as the only one, so that the next call is cheap."""
    pieces[:] = ["".join(pieces)]
    return pieces[0]
