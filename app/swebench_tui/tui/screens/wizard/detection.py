"""Step 1: what is available already. Only this machine is contacted."""

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
from swebench_tui.tui.screens.wizard.step import StepResult, WizardStep, as_sentence, hint

_SEARCHING: Final = "◌ searching …"
_MODELS_SHOWN: Final = 2  # per server


class DetectionStep(WizardStep):
    """Runs four checks at once; each shows its result as soon as it has one."""

    NUMBER = 1
    NAME = "What I found"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "skip", "skip", id="wizard.leave"),
    ]

    def compose_step(self) -> ComposeResult:
        yield hint("Only this machine is contacted. Keys are detected by name and never displayed.")
        with VerticalScroll(can_focus=False):
            for part, title in (
                ("embedded", "embedded"),
                ("keys", "API keys"),
                ("servers", "servers"),
                ("keyring", "keyring"),
            ):
                with Horizontal():
                    yield Static(title, classes="part")
                    yield Static(Content(_SEARCHING), id=part)
        yield hint("Enter: continue. Esc: skip (ctrl+p, Set up again, opens this later)")

    def on_mount(self) -> None:
        self._check_settings()
        self._find_servers()
        self._check_keyring()

    @work(group="settings")
    async def _check_settings(self) -> None:
        state = self.state
        state.take_entries(await asyncio.to_thread(state.read))
        readiness = {name: entry.readiness for name, entry in (state.entries or {}).items()}
        self._show_lines(
            "embedded",
            [("✓", "$text-success", "ready: small model, needs no key and no network")]
            if readiness["embedded"].ready
            else [("–", "$text-muted", f"not installed; run: {INSTALL_COMMAND}")],
        )
        sources = [f"{each.title}: {each.key_source}" for each in readiness.values() if each.key_source and each.ready]
        self._show_lines(
            "keys",
            [("✓", "$text-success", one_line(source)) for source in sources]
            or [("–", "$text-muted", "none found; add them in the next step")],
        )

    @work(group="servers")
    async def _find_servers(self) -> None:
        lines = []
        for server in await self.state.find_servers():
            no_models = "needs an API key" if server.needs_key else "no models"
            models = ", ".join(map(one_line, server.models[:_MODELS_SHOWN])) or no_models
            lines.append(("✓", "$text-success", f"{one_line(server.name)} at {one_line(server.base_url)}: {models}"))
        self._show_lines("servers", lines or [("–", "$text-muted", "none on the default ports of this machine")])

    @work(group="keyring")
    async def _check_keyring(self) -> None:
        keyring = await self.state.find_keyring()
        if keyring.usable:
            self._show_lines("keyring", [("✓", "$text-success", one_line(f"{keyring.name} stores your keys"))])
        else:
            problem = one_line(f"{as_sentence(keyring.problem)} The next step shows other ways to store keys.")
            self._show_lines("keyring", [("!", "$text-warning", problem)])

    def _show_lines(self, part: str, lines: list[tuple[str, str, str]]) -> None:
        rows = [Content.assemble((f"{glyph} ", colour), text) for glyph, colour, text in lines]
        self.show(f"#{part}", Content("\n").join(rows))

    def action_back(self) -> None:
        self.dismiss(StepResult.SKIP)
