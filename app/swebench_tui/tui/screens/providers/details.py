"""The details of one provider."""

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

from swebench_providers import BreakerState, BreakerStatistics, Headroom, Percentiles, ProviderHealth, ProviderSpec
from swebench_providers.redaction import without_credentials
from swebench_tui.runs.formatting import dollars
from swebench_tui.services.providers import ProviderEntry, status
from swebench_tui.services.settings import setting_rows
from swebench_tui.settings.effective import KEY
from swebench_tui.settings.toml_positions import dotted
from swebench_tui.settings.workspace import Workspace
from swebench_tui.terminal_text import one_line
from swebench_tui.tui.screens.base import Dialog
from swebench_tui.tui.screens.providers.table import key_text, status_colour
from swebench_tui.tui.widgets.key_line import KeyLine

_REFRESH: Final = 0.5  # seconds
_LABEL: Final = 18


class RecentError(msgspec.Struct, frozen=True):
    """An error of this session, with its hint."""

    message: str
    hint: str


class ProviderDetailsScreen(Dialog[None]):
    """Everything known about one provider, refreshed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="provider_details.leave"),
        Binding("down", "scroll('down')", "down", show=False, id="provider_details.down"),
        Binding("up", "scroll('up')", "up", show=False, id="provider_details.up"),
    ]

    def __init__(
        self,
        workspace: Workspace | None,
        spec: ProviderSpec | None,
        entry: Callable[[], ProviderEntry],
        recent_errors: Callable[[], Sequence[RecentError]],
    ) -> None:
        """`entry` and `recent_errors` are called at every refresh."""
        super().__init__()
        self._workspace, self._spec, self._entry, self._recent_errors = workspace, spec, entry, recent_errors
        self._from_settings: list[Content] = []
        self._before: Content | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog details") as dialog:
            dialog.border_title = one_line(self._entry().name)
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
            name = self._entry().name
            self._from_settings = await asyncio.to_thread(_settings, self._workspace, name)
            self._show()

    def _show(self) -> None:
        entry = self._entry()
        sections = [
            _overview(entry, self._spec),
            _errors(entry, self._recent_errors()),
            _session(entry.health),
            self._from_settings,
            _variables(self._spec, self._workspace),
        ]
        text = Content("\n\n").join(Content("\n").join(lines) for lines in map(list, sections) if lines)
        if text != self._before:
            self._before = text
            self.query_one(".text", Static).update(text)

    def action_scroll(self, direction: str) -> None:
        """Scroll the text."""
        body = self.query_one(VerticalScroll)
        body.scroll_relative(y=1 if direction == "down" else -1, animate=False)

    def action_leave(self) -> None:
        """Go back to the table."""
        self.dismiss(None)


def _overview(entry: ProviderEntry, spec: ProviderSpec | None) -> Iterator[Content]:
    current = status(entry)
    yield Content.assemble((str(current), status_colour(current)), (f"   {one_line(entry.readiness.title)}", "bold"))
    address = entry.readiness.base_url
    yield _line("address", without_credentials(address) if address else "none")
    yield _line("API key", key_text(entry))
    if spec is not None:
        yield _line("protocol", spec.protocol)
    if entry.test is not None:
        report = entry.test.report
        first = "" if report.ttft_ms is None else f", first token {report.ttft_ms / 1000:.2f} s"
        model = f", model {report.model}" if report.model else ""
        verdict = report.verdict.replace("_", " ")
        yield _line("last test", f"{verdict} after {report.latency_ms / 1000:.2f} s{first}{model}")
        if entry.test.models is not None:
            yield _line("models listed", f"{entry.test.models:,}")


def _errors(entry: ProviderEntry, errors: Sequence[RecentError]) -> Iterator[Content]:
    report = entry.test.report if entry.test else None
    if report is not None and not report.ok and not entry.not_running:
        errors = [RecentError(report.message, report.hint), *errors]
    if not errors:
        return
    yield _title("Recent errors")
    for error in dict.fromkeys(errors):
        yield Content.styled(f"✗ {one_line(error.message)}", "$text-error")
        yield Content.styled(f"  → {one_line(error.hint)}", "$foreground-muted")


def _session(health: ProviderHealth | None) -> Iterator[Content]:
    yield _title("This session")
    if health is None:
        yield Content.styled("No requests yet", "$foreground-muted")
        return
    rate = "" if health.success_rate is None else f" ({health.success_rate:.0%})"
    running = f", {health.in_flight} in flight" if health.in_flight else ""
    retries = "1 retry" if health.retries == 1 else f"{health.retries} retries"
    yield _line("requests", f"{health.succeeded} succeeded{rate}, {health.failed} failed, {retries}{running}")
    yield _line("latency", _percentiles(health.latency))
    yield _line("first token", _percentiles(health.first_token))
    unpriced = f", plus {health.unpriced} with unknown price" if health.unpriced else ""
    yield _line("spent", f"{dollars(health.cost)}{unpriced}")
    if health.error_kinds:
        kinds = ", ".join(f"{count} {kind.value.replace('_', ' ')}" for kind, count in health.error_kinds.items())
        yield _line("errors", kinds)
    for model, breaker in health.breakers.items():
        yield from _breaker(model, breaker)
    for name, headroom in health.headroom.items():
        yield from _headroom(name, headroom)


_BREAKERS: Final = {
    BreakerState.CLOSED: ("✓ closed", "$text-success"),
    BreakerState.OPEN: ("○ open", "$text-warning"),
    BreakerState.HALF_OPEN: ("◌ half-open", "$text-warning"),
}


def _breaker(model: str, breaker: BreakerStatistics) -> Iterator[Content]:
    state, colour = _BREAKERS[breaker.state]
    wait = f" for {breaker.retry_in:.0f} s" if breaker.state is BreakerState.OPEN else ""
    probes = f", {breaker.probes_done} of {breaker.probes} probes" if breaker.state is BreakerState.HALF_OPEN else ""
    yield Content.assemble(_label("circuit breaker"), (f"{state}{wait}", colour), f"{probes}   {one_line(model)}")
    times = "once" if breaker.openings == 1 else f"{breaker.openings} times"
    yield _line("", f"{breaker.failures} of the last {breaker.calls} requests failed, {breaker.slow} slow")
    yield _line("", f"opened {times}, {breaker.refused} requests rejected")
    if breaker.reason:
        yield _line("", f"reason: {breaker.reason}")


def _headroom(name: str, headroom: Headroom) -> Iterator[Content]:
    paused = f", paused for {headroom.cooldown:.0f} s" if headroom.cooldown else ""
    concurrent = f"{headroom.in_flight} of {headroom.concurrency} concurrent, {headroom.waiting} waiting{paused}"
    yield _line("rate limits", f"{concurrent}   {name}")
    for dimension, limit in headroom.limits.items():
        unit = dimension.replace("_", " ")
        yield _line("", f"{limit.available:,.0f} of {limit.per_minute:,.0f} {unit} per minute left")


def _settings(workspace: Workspace, name: str) -> list[Content]:
    """Every value in effect, with its source. Blocks."""
    lines = [_title("Settings and their sources")]
    rows = [row for row in setting_rows(workspace, ("providers", name)) if row.has_value]
    for row in sorted(rows, key=lambda row: row.path[-1] != KEY):
        value = "see API keys (k)" if row.path[-1] == "keys" else row.text
        lines.append(_setting(dotted(row.path[2:]), value, str(row.origin)))
    return lines


def _variables(spec: ProviderSpec | None, workspace: Workspace | None) -> Iterator[Content]:
    """The environment variables of the provider and whether each is set, without their values."""
    if spec is None or not (spec.env or spec.token_env or spec.base_url_env):
        return
    yield _title("Environment variables")
    environ = workspace.environ if workspace else {}
    for kind, names in (("API key", (*spec.token_env, *spec.env)), ("address", spec.base_url_env)):
        for name in names:
            is_set = bool(environ.get(name, "").strip())
            state = ("✓ set", "$text-success") if is_set else ("– not set", "$foreground-muted")
            yield Content.assemble(_label(kind), f"{name}  ", state)


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
    """A setting with its source; its name may be longer than a label."""
    return Content.assemble(
        (f"{one_line(name):<30}", "$foreground-muted"),
        one_line(value),
        (f"  ({one_line(origin)})", "$foreground-muted"),
    )
