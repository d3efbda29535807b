"""The dialog that chooses the context of the prompts, and shows what each model would see before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_tui.bench.context import ContextMode
from swebench_tui.bench.task import TaskPrompt
from swebench_tui.runs.target import Target
from swebench_tui.services.prompt_errors import PROMPT_ERRORS, hint_of
from swebench_tui.services.task_prompts import PromptOptions, TaskPrompts
from swebench_tui.settings.definitions import DEFAULT_CONTEXT_TOKENS
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.compare.context_preview import Seen, file_lines, model_line, note_lines
from swebench_tui.tui.widgets.key_line import KeyLine

_MODES: Final[Sequence[tuple[ContextMode | None, str]]] = (
    (None, "default: all for bundled tasks, else search"),
    (ContextMode.SEARCH, "search: files ranked by the issue"),
    (ContextMode.PICK, "pick: the model names files in a first call"),
    (ContextMode.ALL, "all: every source file"),
    (ContextMode.ORACLE, "oracle: the files that the solution changes"),
    (ContextMode.NONE, "none: the issue alone"),
)
_DELAY: Final = 0.15  # seconds without a key before prompts are made


class ModeList(OptionList):
    """The modes, with a label for Enter in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "use", key_display="⏎", id="context.use"),
    ]

    def action_select(self) -> None:
        """Use the highlighted mode."""
        super().action_select()


class BudgetField(Input):
    """The field of the token budget."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "use", key_display="⏎", id="context.use_budget"),
    ]


class ContextScreen(Dialog[PromptOptions | None]):
    """Returns the options for the prompts, or None. Nothing is sent to a model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next field", id="context.next_field"),
        Binding("escape", "leave", "cancel", id="context.leave"),
    ]

    def __init__(
        self, prompts: TaskPrompts, task: TaskPrompt, options: PromptOptions, targets: Sequence[Target]
    ) -> None:
        """`task` is the prompt of the instance so far."""
        super().__init__()
        self._prompts = prompts
        self._prompt = task
        self._options = options
        self._targets = list({str(target): target for target in targets}.values())  # one line a model

    def compose(self) -> ComposeResult:
        budget = "" if self._options.context_tokens is None else str(self._options.context_tokens)
        with Vertical(classes="dialog context") as dialog:
            dialog.border_title = "Context: what the models see"
            with Horizontal(id="choices"):
                yield ModeList(*(Option(Content(text)) for _, text in _MODES), markup=False, compact=True)
                with Vertical():
                    yield Static("Tokens of files, at most", classes="label")
                    field = BudgetField(budget, placeholder=f"{DEFAULT_CONTEXT_TOKENS}", type="integer", compact=True)
                    field.cursor_blink = False
                    yield field
            with VerticalScroll(id="seen"):
                yield Static(id="models")
                yield Static(id="files")
            yield Static(classes="hint")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        modes = [mode for mode, _ in _MODES]
        self.query_one(OptionList).highlighted = modes.index(self._options.context)
        self.query_one(OptionList).focus()

    @on(OptionList.OptionHighlighted)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._preview(self._chosen())

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _accepted(self) -> None:
        self.dismiss(self._chosen())

    def action_leave(self) -> None:
        self.dismiss(None)

    def _chosen(self) -> PromptOptions:
        text = self.query_one(Input).value
        tokens = int(text) if text.isascii() and text.isdigit() and int(text) else None
        mode, _ = _MODES[self.query_one(OptionList).highlighted or 0]
        return msgspec.structs.replace(self._options, context=mode, context_tokens=tokens)

    @work(exclusive=True, group="preview")
    async def _preview(self, options: PromptOptions) -> None:
        await asyncio.sleep(_DELAY)
        hint, problem = self.query_one(".hint", Static), self.query_one(".problem", Static)
        hint.update("Choosing files …")
        problem.update("")
        models: list[Seen] = []
        try:
            for target in self._targets:
                models.append(await self._seen(target, options))
                self._show(models)
        except PROMPT_ERRORS as error:
            self._show(models)
            problem.update(Content(f"✗ {one_line(str(error))}\n→ {one_line(hint_of(error))}"))
        hint.update("")

    async def _seen(self, target: Target, options: PromptOptions) -> Seen:
        instance = self._prompt.instance
        assert instance is not None  # noqa: S101 - a prompt of no task has no context to choose
        make = self._prompts.first_call if options.context is ContextMode.PICK else self._prompts.build
        prompt = await make(instance, target, options)
        return Seen(target, prompt, await self._prompts.estimate(prompt, target, max_tokens=options.max_tokens))

    def _show(self, models: Sequence[Seen]) -> None:
        lines = [Content.styled("MODEL, AND WHAT IT GETS", "$text-muted"), *map(model_line, models)]
        self.query_one("#models", Static).update(Content("\n").join(lines))
        shown = next((seen.prompt for seen in models if seen.prompt.shown is not None), None)
        files = [*file_lines(shown), *note_lines(models)] if shown else note_lines(models)
        self.query_one("#files", Static).update(Content("\n").join([Content(""), *files]))
