"""The view of a streaming answer. A line costs the same to add and to draw however long the answer is.

`AnswerView` is the whole interface. Behind it: `lines` turns pieces of text into formatted lines (`line`), `markdown`
formats one source line, `wrapping` breaks a line into rows of terminal cells.
"""

from swebench_tui.tui.answer.view import AnswerView

__all__ = ["AnswerView"]
