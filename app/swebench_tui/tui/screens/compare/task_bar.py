"""The task of the comparison, in one or two lines."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widgets import Static

from swebench_tui.bench.context import ContextMode
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
        lines += [Content.styled(f"⚠ {one_line(note)}", "$text-warning") for note in _warnings(task)]
        self.update(Content("\n").join([Content.styled(one_line(task.title), "bold"), *lines]))

    def show_problem(self, what: str, hint: str) -> None:
        self.update(Content.assemble((f"✗ {one_line(what)}", "$text-error"), "\n", (one_line(hint), "$text-muted")))


def _warnings(task: TaskPrompt) -> Iterator[str]:
    """The most important note: why there are no files, or that the search is not sure of them."""
    if task.shown is not None and task.mode == ContextMode.NONE and task.notes:
        yield task.notes[0]
    elif task.shown is not None and task.shown.match == "weak":
        yield task.shown.note
