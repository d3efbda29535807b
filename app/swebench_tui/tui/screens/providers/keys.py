"""The keys of one provider: where each one is from, which are set aside, and another one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from swebench_providers import Secret
from swebench_providers.policies.keys import DisabledKey
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.definitions import KeyStorage
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.errors import KeyStoreError, SetupError
from swebench_tui.settings.layers import Layer
from swebench_tui.settings.secrets.key_lint import mistakes
from swebench_tui.settings.secrets.store import ALTERNATIVES
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.providers.dialogs import ConfirmScreen, problem
from swebench_tui.tui.widgets.key_line import KeyLine
from swebench_tui.tui.widgets.problem_line import ProblemLine

_REFRESH: Final = 1.0  # seconds
_REVEALED: Final = 1.0  # seconds after the last press; keys begin to repeat sooner
_IN_A_FILE: Final = "The key stays typed here; ctrl+f keeps it in a file, as plain text that only you may read."


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `source` is the name it goes by in requests; `label` only of one that is kept here."""

    source: str
    words: str
    label: str = ""


class KeysScreen(Dialog[None]):
    """Lists the keys without reading any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "add a key", id="keys.add"),
        Binding("delete", "remove", "remove", key_display="del", id="keys.remove"),
        Binding("r", "reinstate", "use again", id="keys.reinstate"),
        Binding("escape", "leave", "back", id="keys.leave"),
    ]

    def __init__(
        self, workspace: Workspace, engine: Engine, provider: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._workspace, self._engine, self._provider, self._now = workspace, engine, provider, now
        self._entries: list[Entry] = []
        self._rows: list[Content] = []
        self._aside: Mapping[str, DisabledKey] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog keys") as dialog:
            dialog.border_title = f"Keys of {one_line(self._provider)}"
            yield Static(
                "Used in this order; where there are several, one that is refused is set aside.", classes="hint"
            )
            yield OptionList(markup=False, compact=True)
            yield Static(classes="about")
            yield Static(classes="problem")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._read()
        self.set_interval(_REFRESH, self._read)

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        entries = await asyncio.to_thread(lambda: list(_entries(self._workspace, self._provider)))
        aside = await self._engine.disabled_keys(self._provider)
        rows = [_row(entry, aside, self._now()) for entry in entries]
        if not rows:
            rows = [Content.styled("– no key is set; a adds one", "$foreground-muted")]
        self._entries = entries
        if rows != self._rows:
            self._rows = rows
            table = self.query_one(OptionList)
            at = table.highlighted or 0
            table.clear_options()
            table.add_options([Option(row) for row in rows])
            table.highlighted = min(at, len(rows) - 1)
        self._aside = aside
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """What the row of the chosen one may have no room for."""
        entry = self._chosen
        why = self._aside.get(entry.source) if entry else None
        lines = [f"→ {one_line(entry.words)}"] if entry else []
        lines += [f"✗ {one_line(why.reason)}"] if why else []
        self.query_one(".about", Static).update(Content("\n".join(lines)))

    @property
    def _chosen(self) -> Entry | None:
        at = self.query_one(OptionList).highlighted
        return self._entries[at] if at is not None and at < len(self._entries) else None

    def action_add(self) -> None:
        """Add a key."""
        self.app.push_screen(AddKeyScreen(self._workspace, self._provider), self._added)

    def _added(self, label: str | None) -> None:
        if label is not None:
            self.notify(one_line(f"The key {label!r} is kept. t in Providers tests it."), markup=False)
            self._read()

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Remove this key, after a question."""
        entry = self._chosen
        if entry is None:
            return
        if not entry.label:
            self.notify(one_line(f"It is not kept here, so it is not removed here: {entry.words}."), markup=False)
            return
        lines = [f"It is {entry.words}.", "The key itself is deleted there, and cannot be brought back from here."]
        if not await self.app.push_screen_wait(ConfirmScreen(f"Remove the key {entry.label!r}?", lines)):
            return
        try:
            await asyncio.to_thread(self._workspace.keys.remove, self._provider, entry.label)
        except SetupError as error:
            self.query_one(".problem", Static).update(problem(error))
        else:
            self.query_one(".problem", Static).update("")
            self._read()

    @work(exclusive=True, group="reinstate")
    async def action_reinstate(self) -> None:
        """Use this key again, which was set aside."""
        entry = self._chosen
        if entry is not None:
            await self._engine.enable_key(self._provider, entry.source)
            self._read()

    def action_leave(self) -> None:
        """Back to the table."""
        self.dismiss(None)


class AddKeyScreen(Dialog[str | None]):
    """Gives back the label of the key that was kept; None where none was. The key stays typed until it is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="add_key.leave"),
        Binding("ctrl+s", "keep", "keep it", priority=True, id="add_key.keep"),
        Binding("ctrl+f", "keep_in_file", "keep it in a file", priority=True, id="add_key.keep_in_file"),
        Binding("ctrl+r", "reveal", "show it for a moment", priority=True, id="add_key.reveal"),
    ]

    def __init__(self, workspace: Workspace, provider: str) -> None:
        super().__init__()
        self._workspace, self._provider = workspace, provider
        self._doubted: Secret | None = None
        self._hiding: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = f"A key for {one_line(self._provider)}"
            yield Static("Key", classes="label")
            key = Input(id="key", password=True, compact=True)
            key.cursor_blink = False
            yield key
            yield Static("Your name for it", classes="label")
            label = Input(value=self._free_label(), id="label", compact=True)
            label.cursor_blink = False
            yield label
            yield Static(
                "enter keeps it in the system keyring; ctrl+f in a file that only you may read, as plain text",
                classes="hint",
                id="kept-where",
            )
            yield ProblemLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._say_where()

    @work(exclusive=True, group="where")
    async def _say_where(self) -> None:
        """Where it is not the keyring that keeps it; that is looked up in a thread, as a keyring may be slow."""
        if self._workspace.settings.secrets.keep_in == "file":
            words = "enter keeps it in a file that only you may read, as plain text, as you chose before"
        else:
            keyring = await asyncio.to_thread(self._workspace.keys.keyring_status)
            if keyring.usable:
                return
            variables = " or ".join(self._workspace.registry.spec(self._provider).env)
            words = f"The keyring cannot be used: {keyring.problem}. ctrl+f keeps the key in a file that only you may"
            words += f" read, as plain text; or set {variables} before you start, and leave with esc"
        for hint in self.query("#kept-where").results(Static):  # none where it was left meanwhile
            hint.update(Content(one_line(words)))

    def _free_label(self) -> str:
        taken = {kept.label for kept in self._workspace.keys.entries(self._provider)}
        names = ("default", *(f"key {number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    @on(Input.Changed, "#key")
    def _typed(self) -> None:
        self._doubted = None
        key = Secret(self.query_one("#key", Input).value)
        self._tell([each.sentence for each in mistakes(self._provider, key)] if key.reveal() else [])

    def _tell(self, sentences: Sequence[str], then: str = "") -> None:
        lines = [f"! {sentence}" for sentence in sentences] + ([f"→ {then}"] if then else [])
        self.query_one(".problem", Static).update(Content("\n".join(lines)))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "label":
            self.action_keep()
        else:
            self.query_one("#label").focus()

    def action_reveal(self) -> None:
        """Show the key for as long as the key is held: a terminal tells of presses, which repeat, and of no end."""
        self.query_one("#key", Input).password = False
        if self._hiding is not None:
            self._hiding.stop()
        self._hiding = self.set_timer(_REVEALED, self._hide)

    def _hide(self) -> None:
        self.query_one("#key", Input).password = True

    def action_keep(self) -> None:
        """Keep the key where keys are kept."""
        self._keep(None)

    def action_keep_in_file(self) -> None:
        """Keep the key in a file of mode 0600, as plain text."""
        self._keep("file")

    @work(exclusive=True)
    async def _keep(self, storage: KeyStorage | None) -> None:
        """What is surely not part of the key is left out; any other doubt has to be confirmed."""
        typed, label = Secret(self.query_one("#key", Input).value), self.query_one("#label", Input).value.strip()
        found = mistakes(self._provider, typed)
        key = next((each.mended for each in found if each.mended), typed)
        doubts = [each.sentence for each in found] if key is typed else []
        if not typed.reveal().strip():
            self._tell(["No key was typed."], "Paste it, or leave with esc.")
            return
        if doubts and self._doubted != typed:
            self._doubted = typed
            self._tell(doubts, "Type another one, or do the same again to keep it as it is.")
            return
        self._tell([])
        try:
            await asyncio.to_thread(self._put, key, label, storage)
        except KeyStoreError as error:
            self.query_one(".problem", Static).update(self._refused(error, storage))
        else:
            self.dismiss(label)

    def _refused(self, error: KeyStoreError, storage: KeyStorage | None) -> Content:
        """What went wrong, and the way out by a file where that is one."""
        in_file = "file" in {storage, self._workspace.settings.secrets.keep_in}
        if in_file or self._workspace.registry.spec(self._provider).auth == "none":
            return problem(error)
        if error.hint == ALTERNATIVES:  # in the words of the command line
            return Content(f"✗ {one_line(str(error))}\n→ {_IN_A_FILE}")
        return Content.assemble(problem(error), f"\n→ {_IN_A_FILE}")

    def _put(self, key: Secret, label: str, storage: KeyStorage | None) -> None:
        self._workspace.keys.add(self._provider, key, label=label, storage=storage)

    def action_leave(self) -> None:
        """Keep nothing."""
        self.dismiss(None)


def _entries(workspace: Workspace, provider: str) -> Iterator[Entry]:
    """In the order in which they are used."""
    first = workspace.effective(("providers", provider, KEY)).origin
    if first.layer is Layer.ENVIRONMENT:
        yield Entry(source=f"environment: {first.where}", words=f"the environment variable {first.where}")
    own = workspace.settings.providers.get(provider)
    if own is not None and own.key_command:
        yield Entry(source="command", words="what your key_command prints")
    for kept in workspace.keys.entries(provider):
        words = f"kept in the {kept.storage}, for {kept.host}"
        yield Entry(source=f"{kept.storage}: {kept.label}", words=words, label=kept.label)


def _row(entry: Entry, aside: Mapping[str, DisabledKey], now: float) -> Content:
    why = aside.get(entry.source)
    name = f"{one_line(entry.label or entry.source.removeprefix('environment: ')):<20} "
    if why is None:
        return Content.assemble(("✓ in use     ", "$text-success"), (name, "bold"), one_line(entry.words))
    left = why.until - now
    until = "" if left == float("inf") else f" for {left:.0f} s"
    return Content.assemble(
        (f"○ set aside{until}  ", "$text-warning"), (name, "bold"), one_line(f"{why.reason} · {entry.words}")
    )
