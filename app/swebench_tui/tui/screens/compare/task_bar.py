"""What is being asked, in one or two lines."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from swebench_tui.bench.task import Question
from swebench_tui.terminal_text import one_line


class TaskBar(Static):
    """The title of the question, and what of the repository the models see."""

    def __init__(self) -> None:
        super().__init__(Content("Loading the first task …"))
        self.border_title = "Task"

    def show(self, question: Question) -> None:
        self.update(
            Content.assemble(
                (one_line(question.title), "bold"), "\n", (f"the models see {question.context}", "$text-muted")
            )
        )

    def show_problem(self, what: str, hint: str) -> None:
        self.update(Content.assemble((f"✗ {one_line(what)}", "$text-error"), "\n", (one_line(hint), "$text-muted")))
