"""State of the providers: configuration, connection tests and statistics, and the status that follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from swebench_providers import ProviderError, ProviderRegistry
from swebench_providers.auth import google as google_auth
from swebench_providers.connection_test import ConnectionReport, Verdict, check, report_error
from swebench_tui.services.provider_access import ProviderAccess
from swebench_tui.settings.providers import Readiness

if TYPE_CHECKING:
    from swebench_providers import Provider, ProviderHealth

_MIN_SUCCESS_RATE: Final = 0.5
"""A provider with a lower success rate is shown as failing."""


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a connection test. `models` is the number of listed models; None where the list is unavailable."""

    report: ConnectionReport
    models: int | None = None


class ProviderEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one provider at one moment.

    `address_set`: the user has configured the address; a local server at its default address need not run.
    `accepts_key`: an API key can be stored for it.
    `testing`: seconds since the running test was started; None when no test runs.
    """

    readiness: Readiness
    address_set: bool = False
    accepts_key: bool = False
    testing: float | None = None
    test: TestResult | None = None
    health: ProviderHealth | None = None

    @property
    def name(self) -> str:
        return self.readiness.name

    @property
    def not_running(self) -> bool:
        """Whether the test found no server at the default address of a local provider, which is no error."""
        unreachable = self.test is not None and self.test.report.verdict == "no_route"
        return unreachable and self.readiness.local and not self.address_set

    @property
    def needs_server(self) -> bool:
        """Whether it is a local server, which may or may not run."""
        return self.readiness.local and not self.readiness.embedded

    @property
    def needs_key(self) -> bool:
        """Whether an API key is all that is missing."""
        return self.accepts_key and not self.readiness.ready and self.readiness.base_url is not None

    @property
    def models(self) -> int | None:
        """The number of models, as far as that is known without a request."""
        if self.test is not None and self.test.models is not None:
            return self.test.models
        return 1 if self.readiness.embedded else None

    @property
    def open_for(self) -> float | None:
        """Seconds until the first of its open circuit breakers lets a request through; None when none is open."""
        breakers = self.health.breakers.values() if self.health else ()
        return min((each.retry_in for each in breakers if each.state.value == "open"), default=None)


Level = Literal["good", "warning", "bad", "muted", "active"]


class Status(msgspec.Struct, frozen=True):
    """The status of a provider for people: never shown by colour alone."""

    glyph: str
    label: str
    level: Level

    def __str__(self) -> str:
        return f"{self.glyph} {self.label}"


_BY_VERDICT: Final[dict[Verdict, Status]] = {
    "fine": Status("✓", "ready", "good"),
    "no_route": Status("✗", "unreachable", "bad"),
    "tls": Status("✗", "not trusted", "bad"),
    "wrong_address": Status("✗", "wrong address", "bad"),
    "no_answer": Status("✗", "no response", "bad"),
    "bad_key": Status("!", "key rejected", "warning"),
    "no_credit": Status("!", "no credit", "warning"),
    "model_missing": Status("!", "unknown model", "warning"),
    "rate_limited": Status("!", "rate limited", "warning"),
    "busy": Status("!", "overloaded", "warning"),
    "not_installed": Status("–", "not installed", "muted"),
    "broken_plugin": Status("!", "broken plugin", "warning"),
    "refused": Status("!", "refused", "warning"),
    "failed": Status("!", "failing", "warning"),
}


def status(entry: ProviderEntry) -> Status:
    """The most important of: running test, open breaker, missing configuration, last test, success rate."""
    if entry.testing is not None:
        return Status("◌", f"testing {entry.testing:.1f} s", "active")
    if (seconds := entry.open_for) is not None:
        return Status("○", f"open {seconds:.0f} s", "warning")
    if not entry.readiness.ready:
        return Status("–", _missing(entry), "muted")
    if entry.test is not None:
        return Status("–", "not running", "muted") if entry.not_running else _BY_VERDICT[entry.test.report.verdict]
    return _untested(entry)


def _untested(entry: ProviderEntry) -> Status:
    """By the success rate of this session; a local server without one may not be running."""
    rate = entry.health.success_rate if entry.health else None
    if rate is not None and rate < _MIN_SUCCESS_RATE:
        return _BY_VERDICT["failed"]
    return Status("◌", "not tested", "muted") if entry.needs_server and not rate else _BY_VERDICT["fine"]


def list_providers(access: ProviderAccess) -> list[ProviderEntry]:
    """Every known provider in alphabetical order. Blocks: reads settings and environment, but no key."""
    return [
        ProviderEntry(
            readiness=access.readiness(name),
            address_set=_address_is_set(access, name),
            accepts_key=accepts_key(access.registry, name),
        )
        for name in access.registry.list_providers()
    ]


def accepts_key(registry: ProviderRegistry, name: str) -> bool:
    """Whether an API key can be stored for a provider: not for one without keys, nor for Google without its package."""
    try:
        spec = registry.spec(name)
    except ProviderError:
        return False
    needs_package = spec.keyless == "google" and not google_auth.installed()
    return spec.auth != "none" and not spec.embedded and not needs_package


def display_order(entry: ProviderEntry) -> tuple[int, str]:
    """Sort key for tables: ready providers, then local servers that may not run, then the others; by name in each."""
    if not entry.readiness.ready:
        return 2, entry.name
    certain = not entry.needs_server or entry.address_set
    return (0 if certain or (entry.test is not None and entry.test.report.ok) else 1), entry.name


async def check_provider(
    access: ProviderAccess, name: str, *, model: str = "", base_url: str | None = None, count_models: bool = True
) -> TestResult:
    """Send one short request to a provider and, if it succeeds, count its models. Never raises `ProviderError`.

    `model` "" is the default one. `base_url` replaces the configured address.
    """
    try:
        provider = await access.resolve(name, base_url=base_url)
    except ProviderError as error:
        return TestResult(report=report_error(name, error, model))
    report = await access.run(check(provider, model))
    if not report.ok or not count_models:
        return TestResult(report=report)
    return TestResult(report=report, models=await access.run(_count_models(provider)))


async def _count_models(provider: Provider) -> int | None:
    try:
        return len(await provider.list_models())
    except ProviderError:
        return None


def _address_is_set(access: ProviderAccess, name: str) -> bool:
    try:
        return access.describe_config(name).base_url_source != "catalog"
    except ProviderError:
        return True


def _missing(entry: ProviderEntry) -> str:
    if entry.readiness.base_url is None and not entry.readiness.embedded:
        return "no address"
    return "no API key" if entry.accepts_key else "not installed"
