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

    def show(self, task: TaskPrompt, *, context: str = "") -> None:
        """Show a task; `context` replaces its own where the columns have different ones."""
        parts = [f"Context: {one_line(context or task.context)}"]
        if task.tokens is not None and not context:
            parts.append(f"{'' if task.tokens.source == 'exact' else '~'}{task.tokens.tokens:,} tokens")
        lines = [Content.styled(" · ".join(parts), "$text-muted")]
        lines += [Content.styled(f"⚠ {one_line(note)}", "$text-warning") for note in task.notes[:1]]
        self.update(Content("\n").join([Content.styled(one_line(task.title), "bold"), *lines]))

    def show_problem(self, what: str, hint: str) -> None:
        self.update(Content.assemble((f"✗ {one_line(what)}", "$text-error"), "\n", (one_line(hint), "$text-muted")))
