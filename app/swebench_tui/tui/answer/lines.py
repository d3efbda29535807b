"""An answer as it arrives: pieces of text, cut anywhere, become formatted lines."""

from __future__ import annotations

from swebench_tui.tui.answer.markdown import Line, Look, Span, State, format_line
from swebench_tui.tui.answer.wrapping import display_line


class AnswerLines:
    """The lines of one answer, and of the reasoning that may come with it.

    How the text was cut makes no difference. Where reasoning begins, and where the answer goes on after it, a line with
    a title is put in; the line before it counts as ended.
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
        return _joined(self._answer)

    @property
    def reasoning(self) -> str:
        """The reasoning so far, each character as it came."""
        return _joined(self._reasoning)

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
            changed = len(self.lines) - 1
        else:
            changed = len(self.lines) - bool(self._open)
            del self.lines[changed:]
        *ended, self._open = (self._open + text).split("\n")
        self.lines += [self._end_line(source) for source in ended]
        if self._open:
            self.lines.append(self._format(self._open)[0])
        return changed

    def _turn(self, *, reasoning: bool) -> None:
        """From answer to reasoning or back. The open line is among the lines already; here it ends."""
        if self._open:
            self._end_line(self._open)
        self._open, self._in_reasoning = "", reasoning
        self.lines.append(_uniform(f"── {'thinking' if reasoning else 'answer'} ──", Look.MARKER))

    def _end_line(self, source: str) -> Line:
        line, self._state = self._format(source)
        return line

    def _format(self, source: str) -> tuple[Line, State]:
        if not self._in_reasoning:
            return format_line(source, self._state)
        return _uniform(display_line(source), Look.REASONING), self._state


def _uniform(text: str, look: Look) -> Line:
    return Line(text, (Span(0, len(text), look),) if text else (), hang=len(text) - len(text.lstrip(" ")))


def _joined(pieces: list[str]) -> str:
    """All pieces as one text, which replaces them in the list, so that asking again is cheap."""
    pieces[:] = ["".join(pieces)]
    return pieces[0]
