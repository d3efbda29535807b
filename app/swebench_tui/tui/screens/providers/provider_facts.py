"""What the Providers screen knows of one provider, and what state that is: glyph, word and colour."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from swebench_providers import ProviderError
from swebench_providers.connection_test import ConnectionReport, Verdict, check, not_asked
from swebench_providers.policies.breaker import BreakerState
from swebench_providers.policies.statistics import ProviderHealth
from swebench_tui.runs.engine import Engine
from swebench_tui.settings.providers import Readiness

_FAILING: Final = 0.5
"""A success rate below this is a provider that fails."""


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a test; `models` is how many the provider lists, None where it did not say."""

    report: ConnectionReport
    models: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One provider at one moment. `testing` is the seconds a test has taken so far, None where none runs.

    `set_up` is whether the user has named its address; a local server at its usual one need not run.
    """

    readiness: Readiness
    set_up: bool = False
    testing: float | None = None
    tested: TestResult | None = None
    health: ProviderHealth | None = None

    @property
    def name(self) -> str:
        return self.readiness.name

    @property
    def absent(self) -> bool:
        """A local server that does not run, and that nobody has set up, is no error."""
        unreachable = self.tested is not None and self.tested.report.verdict == "no_route"
        return unreachable and self.readiness.local and not self.set_up


class Status(msgspec.Struct, frozen=True):
    """Never told by the colour alone."""

    glyph: str
    word: str
    colour: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


_GOOD, _BAD, _WARN, _QUIET = "$text-success", "$text-error", "$text-warning", "$foreground-muted"
_BY_VERDICT: Final[dict[Verdict, Status]] = {
    "fine": Status("✓", "ready", _GOOD),
    "no_route": Status("✗", "unreachable", _BAD),
    "tls": Status("✗", "not trusted", _BAD),
    "wrong_address": Status("✗", "wrong address", _BAD),
    "no_answer": Status("✗", "no answer", _BAD),
    "bad_key": Status("!", "key refused", _WARN),
    "no_credit": Status("!", "no credit", _WARN),
    "model_missing": Status("!", "no such model", _WARN),
    "rate_limited": Status("!", "rate limited", _WARN),
    "busy": Status("!", "busy", _WARN),
    "not_installed": Status("–", "not installed", _QUIET),
    "broken_plugin": Status("!", "broken", _WARN),
    "refused": Status("!", "refused", _WARN),
    "failed": Status("!", "failing", _WARN),
}


def status(facts: Facts) -> Status:
    """What counts most: a test that runs, an open breaker, the setup, the last test, what became of questions."""
    if facts.testing is not None:
        return Status("◌", f"testing {facts.testing:.1f} s", "$foreground")
    if (wait := open_for(facts.health)) is not None:
        return Status("○", f"open {wait:.0f} s", _WARN)
    if not facts.readiness.ready:
        return Status("–", _lacking(facts.readiness), _QUIET)
    return _of_test(facts.tested.report.verdict, absent=facts.absent) if facts.tested else _of_questions(facts)


def _of_test(verdict: Verdict, *, absent: bool) -> Status:
    return Status("–", "not running", _QUIET) if absent else _BY_VERDICT[verdict]


def _of_questions(facts: Facts) -> Status:
    rate = facts.health.success_rate if facts.health else None
    if rate is not None and rate < _FAILING:
        return _BY_VERDICT["failed"]
    unknown = facts.readiness.local and not facts.readiness.embedded and not rate
    return Status("◌", "if it runs", _QUIET) if unknown else _BY_VERDICT["fine"]


def open_for(health: ProviderHealth | None) -> float | None:
    """Seconds until the first of its open breakers lets something through again; None where none is open."""
    waits = [each.opens_in for each in health.breakers.values() if each.state is BreakerState.OPEN] if health else []
    return min(waits, default=None)


def rank(facts: Facts) -> tuple[int, str]:
    """The order of the rows: ready ones, those that may be, the others; by name in each."""
    if not facts.readiness.ready:
        return 2, facts.name
    sure = facts.readiness.embedded or not facts.readiness.local or facts.set_up
    return (0 if sure or (facts.tested is not None and facts.tested.report.ok) else 1), facts.name


async def ask(engine: Engine, name: str, *, at: str | None = None) -> TestResult:
    """Test one provider: reads its keys in a thread, and asks in the engine's loop. Raises nothing but a cancellation.

    `at` is another address than the one that is set up.
    """
    try:
        resolved = await engine.resolve(name, base_url=at)
    except ProviderError as error:
        return TestResult(report=not_asked(name, error))
    report = await asyncio.wrap_future(engine.submit(check(resolved.provider)))
    if not report.ok:
        return TestResult(report=report)
    try:
        models = await asyncio.wrap_future(engine.submit(resolved.provider.list_models()))
    except ProviderError:
        return TestResult(report=report)
    return TestResult(report=report, models=len(models))


def _lacking(readiness: Readiness) -> str:
    if readiness.embedded:
        return "not installed"
    return "no address" if readiness.base_url is None else "no key"
