"""All that is known of one provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from swebench_providers import ProviderSpec
from swebench_providers.policies.breaker import BreakerState, BreakerStatistics
from swebench_providers.policies.limiter import Headroom
from swebench_providers.policies.statistics import Percentiles, ProviderHealth
from swebench_providers.redaction import MASK, without_credentials
from swebench_tui.runs.formatting import dollars
from swebench_tui.settings import redact
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.schema import NAME, is_open, leaves
from swebench_tui.settings.toml_positions import dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.providers.provider_facts import Facts, status
from swebench_tui.tui.screens.providers.table import key_words
from swebench_tui.tui.widgets.key_line import KeyLine

_REFRESH: Final = 0.5  # seconds
_LABEL: Final = 18


class RecentError(msgspec.Struct, frozen=True):
    """An error of this session, and what to do about it."""

    what: str
    hint: str


class ProviderDetailsScreen(Dialog[None]):
    """Figures go on while it is open. `facts` and `troubles` say what is known by now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="provider_details.leave"),
        Binding("down", "scroll('down')", "down", show=False, id="provider_details.down"),
        Binding("up", "scroll('up')", "up", show=False, id="provider_details.up"),
    ]

    def __init__(
        self,
        workspace: Workspace | None,
        spec: ProviderSpec | None,
        facts: Callable[[], Facts],
        troubles: Callable[[], Sequence[RecentError]],
    ) -> None:
        super().__init__()
        self._workspace, self._spec, self._facts, self._troubles = workspace, spec, facts, troubles
        self._from_settings: list[Content] = []
        self._before: Content | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog details") as dialog:
            dialog.border_title = one_line(self._facts().name)
            with VerticalScroll(can_focus=True):
                yield Static(classes="text")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._show()
        self.set_interval(_REFRESH, self._show)
        self.run_worker(self._read_settings(), exclusive=True)

    async def _read_settings(self) -> None:
        if self._workspace is not None:
            name = self._facts().name
            self._from_settings = await asyncio.to_thread(_settings, self._workspace, name)
            self._show()

    def _show(self) -> None:
        facts = self._facts()
        parts = [
            _about(facts, self._spec),
            _troubles(facts, self._troubles()),
            _health(facts.health),
            self._from_settings,
            _variables(self._spec, self._workspace),
        ]
        text = Content("\n\n").join(Content("\n").join(part) for part in map(list, parts) if part)
        if text != self._before:
            self._before = text
            self.query_one(".text", Static).update(text)

    def action_scroll(self, way: str) -> None:
        """Scroll the text."""
        body = self.query_one(VerticalScroll)
        body.scroll_relative(y=1 if way == "down" else -1, animate=False)

    def action_leave(self) -> None:
        """Back to the table."""
        self.dismiss(None)


def _about(facts: Facts, spec: ProviderSpec | None) -> Iterator[Content]:
    state = status(facts)
    yield Content.assemble((str(state), state.colour), (f"   {one_line(facts.readiness.title)}", "bold"))
    address = facts.readiness.base_url
    yield _line("address", without_credentials(address) if address else "none")
    yield _line("key", key_words(facts))
    if spec is not None:
        yield _line("protocol", spec.protocol)
    if facts.tested is not None:
        report = facts.tested.report
        first = "" if report.ttft_ms is None else f", first token {report.ttft_ms / 1000:.2f} s"
        model = f", model {report.model}" if report.model else ""
        verdict = report.verdict.replace("_", " ")
        yield _line("last test", f"{verdict} after {report.latency_ms / 1000:.2f} s{first}{model}")
        if facts.tested.models is not None:
            yield _line("models listed", f"{facts.tested.models:,}")


def _troubles(facts: Facts, troubles: Sequence[RecentError]) -> Iterator[Content]:
    report = facts.tested.report if facts.tested else None
    if report is not None and not report.ok and not facts.absent:
        troubles = [RecentError(report.message, report.hint), *troubles]
    if not troubles:
        return
    yield _title("Last errors")
    for trouble in dict.fromkeys(troubles):
        yield Content.styled(f"✗ {one_line(trouble.what)}", "$text-error")
        yield Content.styled(f"  → {one_line(trouble.hint)}", "$foreground-muted")


def _health(health: ProviderHealth | None) -> Iterator[Content]:
    yield _title("This session")
    if health is None:
        yield Content.styled("Nothing was asked yet.", "$foreground-muted")
        return
    rate = "" if health.success_rate is None else f" ({health.success_rate:.0%})"
    running = f", {health.in_flight} under way" if health.in_flight else ""
    ended = f"{health.succeeded} answered{rate}, {health.failed} failed, {health.retries} asked again{running}"
    yield _line("requests", ended)
    yield _line("latency", _percentiles(health.latency))
    yield _line("first token", _percentiles(health.first_token))
    unpriced = f", and {health.unpriced} whose price is unknown" if health.unpriced else ""
    yield _line("spent", f"{dollars(health.cost)}{unpriced}")
    if health.error_kinds:
        kinds = ", ".join(f"{count} {kind.value.replace('_', ' ')}" for kind, count in health.error_kinds.items())
        yield _line("errors", kinds)
    for model, breaker in health.breakers.items():
        yield from _breaker(model, breaker)
    for name, room in health.headroom.items():
        yield from _headroom(name, room)


_BREAKERS: Final = {
    BreakerState.CLOSED: ("✓ closed", "$text-success"),
    BreakerState.OPEN: ("○ open", "$text-warning"),
    BreakerState.HALF_OPEN: ("◌ half-open", "$text-warning"),
}


def _breaker(model: str, breaker: BreakerStatistics) -> Iterator[Content]:
    words, colour = _BREAKERS[breaker.state]
    wait = f" for {breaker.opens_in:.0f} s" if breaker.state is BreakerState.OPEN else ""
    probes = f", {breaker.probes_done} of {breaker.probes} probes" if breaker.state is BreakerState.HALF_OPEN else ""
    label = _label("breaker")
    yield Content.assemble(label, (f"{words}{wait}", colour), f"{probes}   {one_line(model)}")
    counts = f"{breaker.failures} of the last {breaker.calls} failed, {breaker.slow} slow"
    times = "opened once" if breaker.openings == 1 else f"opened {breaker.openings} times"
    history = f"{times}, {breaker.refused} refused"
    yield _line("", f"{counts}; {history}")
    if breaker.reason:
        yield _line("", f"because {breaker.reason}")


def _headroom(name: str, room: Headroom) -> Iterator[Content]:
    paused = f", paused for {room.cooldown:.0f} s" if room.cooldown else ""
    at_once = f"{room.in_flight} of {room.concurrency} at once, {room.waiting} waiting{paused}"
    yield _line("headroom", f"{at_once} · {name}")
    for dimension, each in room.limits.items():
        words = dimension.replace("_", " ")
        yield _line("", f"{each.available:,.0f} of {each.per_minute:,.0f} {words} a minute")


def _settings(workspace: Workspace, name: str) -> list[Content]:
    """Every value that holds, with where it came from. Blocks."""
    lines = [_title("Where each value came from")]
    key = workspace.effective(("providers", name, KEY))
    if key.value:
        lines.append(_setting(KEY, "there is one", str(key.origin)))
    for leaf in leaves():
        if NAME not in leaf.path or is_open(leaf.kind):
            continue
        path = tuple(name if part == NAME else part for part in leaf.path)
        held = workspace.effective(path)
        if held.value not in (None, "", [], ()):
            value = "listed under k" if path[-1] == "keys" else str(redact.value(path, held.value))
            lines.append(_setting(dotted(path[2:]), value, str(held.origin)))
    own = workspace.settings.providers.get(name)
    lines += [_setting(f"headers.{header}", MASK, "user file") for header in (own.headers if own else ())]
    return lines


def _variables(spec: ProviderSpec | None, workspace: Workspace | None) -> Iterator[Content]:
    """The exact names, and whether each is set; never a value."""
    if spec is None or not (spec.env or spec.token_env or spec.base_url_env):
        return
    yield _title("Environment variables")
    environ = workspace.environ if workspace else {}
    for kind, names in (("key", (*spec.token_env, *spec.env)), ("address", spec.base_url_env)):
        for name in names:
            there = bool(environ.get(name, "").strip())
            yield Content.assemble(
                _label(kind), f"{name}  ", ("✓ set", "$text-success") if there else ("– not set", "$foreground-muted")
            )


def _percentiles(times: Percentiles) -> str:
    named = (("p50", times.p50), ("p95", times.p95), ("p99", times.p99))
    return ", ".join(f"{name} {value / 1000:.2f} s" for name, value in named if value is not None) or "–"


def _title(text: str) -> Content:
    return Content.styled(text, "bold")


def _label(text: str) -> tuple[str, str]:
    return f"{text:<{_LABEL}}", "$foreground-muted"


def _line(label: str, text: str) -> Content:
    return Content.assemble(_label(label), one_line(text))


def _setting(name: str, value: str, origin: str) -> Content:
    """The name may be longer than a label."""
    return Content.assemble(
        (f"{one_line(name):<30}", "$foreground-muted"),
        one_line(value),
        (f"  ({one_line(origin)})", "$foreground-muted"),
    )
