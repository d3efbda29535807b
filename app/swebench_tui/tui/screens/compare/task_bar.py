"""The task of the comparison, in one or two lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content
from textual.widgets import Static

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.repositories.progress import FetchProgress
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.target import Target
from swebench_tui.terminal_text import one_line


class TaskBar(Static):
    """The title of the task, and the context in its prompt."""

    def __init__(self) -> None:
        super().__init__(Content("Loading the first task …\n"))  # as high as a task: nothing moves when it is there
        self.border_title = "Task"

    def show(self, task: TaskPrompt, seen: Sequence[tuple[Target, TaskPrompt]] = (), *, guided: str = "") -> None:
        """Show a task.

        `seen` are the prompts that models got, of which those of another task do not count. `guided` is whose answers
        are guided, empty where none can be.
        """
        prompts = [(target, prompt) for target, prompt in seen if _same_task(prompt, task)]
        parts = [f"Context: {one_line(_context(task, prompts))}"]
        if guided:
            parts.insert(0, f"Guided: {guided}")  # in front: several contexts can be longer than the line
        lines = [Content.styled(" · ".join(parts), "$text-muted")]
        lines += [Content.styled(f"⚠ {one_line(note)}", "$text-warning") for note in _warnings(task)]
        self.update(Content("\n").join([Content.styled(one_line(task.title), "bold"), *lines]))

    def show_fetch(self, progress: FetchProgress) -> None:
        """Show how far the fetching of a repository is."""
        percent = "" if progress.percent is None else f" {progress.percent} %"
        received = f" · {progress.received / 1e6:.1f} MB" if progress.received else ""
        self.update(
            Content.assemble(
                (f"Fetching {one_line(progress.repo)}: {progress.step}{percent}{received}", "bold"),
                "\n",
                ("esc: stop. What has arrived is kept.", "$text-muted"),
            )
        )

    def show_problem(self, what: str, hint: str) -> None:
        self.update(Content.assemble((f"✗ {one_line(what)}", "$text-error"), "\n", (one_line(hint), "$text-muted")))


def _same_task(prompt: TaskPrompt, task: TaskPrompt) -> bool:
    return prompt.instance == task.instance and (prompt.shown is None) == (task.shown is None)


def _context(task: TaskPrompt, prompts: Sequence[tuple[Target, TaskPrompt]]) -> str:
    """The context of the task, or of each model where they differ, with the tokens of the prompt."""
    each = {str(target): _with_tokens(prompt) for target, prompt in prompts} or {"": _with_tokens(task)}
    if len(set(each.values())) == 1:
        return next(iter(each.values()))
    return " · ".join(f"{name}: {context}" for name, context in each.items())


def _with_tokens(prompt: TaskPrompt) -> str:
    if prompt.tokens is None:
        return prompt.context
    return f"{prompt.context}, {'' if prompt.tokens.source == 'exact' else '~'}{prompt.tokens.tokens:,} tokens"


def _warnings(task: TaskPrompt) -> Iterator[str]:
    """The most important note: why there are no files, or that the search is not sure of them."""
    if task.shown is not None and task.mode == ContextMode.NONE and task.notes:
        yield task.notes[0]
    elif task.shown is not None and task.shown.match == "weak":
        yield task.shown.note
