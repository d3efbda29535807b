"""Provider entries: their status, their order, and connection tests through either front end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from swebench_providers import ErrorKind, ModelInfo, ProviderConfig, ProviderError, ProviderRegistry
from swebench_providers.connection_test import ConnectionReport, Verdict
from swebench_providers.policies.breaker import BreakerState, BreakerStatistics
from swebench_providers.policies.statistics import Percentiles, ProviderHealth
from swebench_tui.runs.engine import Engine
from swebench_tui.services import providers
from swebench_tui.services.provider_access import CommandAccess, EngineAccess
from swebench_tui.services.providers import ProviderEntry, check_provider, display_order, list_providers, status
from swebench_tui.settings.providers import Readiness
from tests.app.scripted import Listing, OnlyThese
from tests.app.tui.fixed_workspace import FIXED, FixedWorkspace
from tests.app.tui.stand_in_workspace import StandInWorkspace

NONE = Percentiles(None, None, None)


def entry(*, local: bool = False, to_do: str = "", base_url: str | None = "http://127.0.0.1:9") -> ProviderEntry:
    readiness = Readiness(
        name="acme", title="Acme", key_source=None, base_url=base_url, embedded=False, local=local, to_do=to_do
    )
    return ProviderEntry(readiness=readiness, accepts_key=True)


def with_test(entry: ProviderEntry, verdict: Verdict) -> ProviderEntry:
    report = ConnectionReport(provider="acme", model="m", verdict=verdict, latency_ms=1.0)
    return msgspec.structs.replace(entry, test=providers.TestResult(report=report))


def with_health(entry: ProviderEntry, *, success_rate: float, retry_in: float | None = None) -> ProviderEntry:
    breaker = BreakerStatistics(
        state=BreakerState.CLOSED if retry_in is None else BreakerState.OPEN,
        calls=8,
        failures=6,
        slow=0,
        probes_done=0,
        probes=3,
        retry_in=retry_in or 0.0,
        openings=1,
        refused=0,
        reason="",
    )
    health = ProviderHealth(
        in_flight=0,
        succeeded=1,
        failed=1,
        retries=0,
        success_rate=success_rate,
        latency=NONE,
        first_token=NONE,
        error_kinds={},
        cost=Decimal(0),
        unpriced=0,
        breakers={"m": breaker},
        headroom={},
    )
    return msgspec.structs.replace(entry, health=health)


REMOTE, LOCAL = entry(), entry(local=True)


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (REMOTE, "✓ ready"),
        (LOCAL, "◌ not tested"),
        (with_test(LOCAL, "no_route"), "– not running"),
        (with_test(msgspec.structs.replace(LOCAL, address_set=True), "no_route"), "✗ unreachable"),
        (with_test(REMOTE, "bad_key"), "! key rejected"),
        (entry(to_do="set ACME_API_KEY"), "– no API key"),
        (entry(to_do="set ACME_BASE_URL", base_url=None), "– no address"),
        (with_health(REMOTE, success_rate=0.2), "! failing"),
        (with_health(with_test(REMOTE, "fine"), success_rate=0.2, retry_in=12.4), "○ open 12 s"),
        (msgspec.structs.replace(REMOTE, testing=1.25), "◌ testing 1.2 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_most_important_state_is_shown(state: ProviderEntry, label: str) -> None:
    assert str(status(state)) == label


def test_every_verdict_has_a_status() -> None:
    for verdict in get_args(Verdict):
        assert status(with_test(REMOTE, verdict)).label


def test_ready_providers_come_before_local_and_incomplete_ones() -> None:
    incomplete = entry(to_do="set ACME_API_KEY")
    assert sorted([incomplete, LOCAL, REMOTE], key=display_order) == [REMOTE, LOCAL, incomplete]
    assert display_order(with_test(LOCAL, "fine")) == display_order(REMOTE)


def test_both_front_ends_list_the_same_providers(tmp_path: Path) -> None:
    workspace = FixedWorkspace({"OPENAI_API_KEY": "k" * 20}, tmp_path)
    engine = Engine(workspace.registry, describe_config=workspace.providers.describe_config)
    try:
        listed = list_providers(EngineAccess(engine, workspace))
    finally:
        engine.close()
    assert listed == list_providers(CommandAccess(workspace))
    assert [each.name for each in listed] == sorted(FIXED)


async def test_both_front_ends_test_a_provider_alike() -> None:
    registry = OnlyThese(acme=Listing(ModelInfo(id="a"), ModelInfo(id="b")))
    async with CommandAccess(StandInWorkspace(registry=registry)) as access:
        by_command = await check_provider(access, "acme")
    engine = Engine(registry)
    try:
        by_app = await check_provider(EngineAccess(engine), "acme")
    finally:
        await asyncio.to_thread(engine.close)
    assert (by_command.report.ok, by_command.models) == (by_app.report.ok, by_app.models) == (True, 2)


async def test_the_report_has_a_key_that_cannot_be_read() -> None:
    def locked(*_: object, **__: object) -> ProviderConfig:
        raise ProviderError(ErrorKind.AUTH, "the keyring is locked", hint="Unlock it.", reason="key_out_of_reach")

    async with CommandAccess(StandInWorkspace(registry=ProviderRegistry({}, configure=locked))) as access:
        report = (await check_provider(access, "openai", model="m")).report
    assert (report.verdict, report.message, report.model) == ("bad_key", "the keyring is locked", "m")


async def test_a_list_that_fails_leaves_the_count_unknown() -> None:
    no_list = ProviderError(ErrorKind.TRANSIENT, "no list", hint="Try again.")
    async with CommandAccess(StandInWorkspace(registry=OnlyThese(acme=Listing(error=no_list)))) as access:
        result = await check_provider(access, "acme")
    assert (result.report.ok, result.models) == (True, None)
