"""The task of the comparison, in one or two lines."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from swebench_tui.bench.task import TaskPrompt
from swebench_tui.terminal_text import one_line


class TaskBar(Static):
    """The title of the task, and the context in its prompt."""

    def __init__(self) -> None:
        super().__init__(Content("Loading the first task …\n"))  # as high as a task: nothing moves when it is there
        self.border_title = "Task"

    def show(self, task: TaskPrompt, *, guided: str = "") -> None:
        """`guided` is whose answers to the task are guided, empty where it cannot be."""
        context = f"Context: {task.context}" + (f" · Guided: {guided}" if guided else "")
        self.update(Content.assemble((one_line(task.title), "bold"), "\n", (context, "$text-muted")))

    def show_problem(self, what: str, hint: str) -> None:
        self.update(Content.assemble((f"✗ {one_line(what)}", "$text-error"), "\n", (one_line(hint), "$text-muted")))
