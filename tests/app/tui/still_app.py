"""The app with a stopped clock, given statistics and fixed providers, for snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from swebench_providers import ErrorKind
from swebench_providers.policies.breaker import BreakerState, BreakerStatistics
from swebench_providers.policies.limiter import Headroom, LimitStatus
from swebench_providers.policies.statistics import Percentiles, ProviderHealth
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui.app import SwebenchApp
from tests.app.tui.fixed_workspace import FixedWorkspace
from tests.app.tui.screens.providers.providers_stage import NOWHERE

ENVIRON: Final = {"OPENAI_API_KEY": "k" * 20, "ANTHROPIC_API_KEY": "k" * 20, "OLLAMA_HOST": NOWHERE}
OVERRIDES: Final[Mapping[SettingPath, object]] = {("providers", "openai", "model"): "gpt-6-luna", ("editor",): "vim"}

HEALTH = ProviderHealth(
    in_flight=1,
    succeeded=14,
    failed=6,
    retries=4,
    success_rate=0.7,
    latency=Percentiles(2100.0, 4800.0, 5000.0),
    first_token=Percentiles(420.0, 1900.0, 2000.0),
    error_kinds={ErrorKind.OVERLOADED: 5, ErrorKind.TIMEOUT: 1},
    cost=Decimal("0.0231"),
    unpriced=0,
    breakers={
        "gpt-6-luna": BreakerStatistics(
            state=BreakerState.OPEN,
            calls=8,
            failures=6,
            slow=1,
            probes_done=0,
            probes=3,
            retry_in=12.4,
            openings=1,
            refused=3,
            reason="6 of 8 calls failed",
        )
    },
    headroom={
        "gpt-6-luna": Headroom(
            in_flight=1,
            concurrency=4,
            waiting=2,
            cooldown=0.0,
            limits={
                "requests": LimitStatus(per_minute=500, available=421),
                "tokens": LimitStatus(per_minute=200_000, available=9_500),
            },
        )
    },
)


class StillApp(SwebenchApp):
    """The app with a stopped clock and given statistics, over the fixed providers or over `workspace`."""

    def __init__(self, folder: Path, workspace: Workspace | None = None) -> None:
        workspace = workspace or FixedWorkspace(ENVIRON, folder, overrides=OVERRIDES)
        super().__init__(workspace.registry, workspace=workspace, lineup=[parse_target("ollama:x")], now=lambda: 100.0)
        self.animation_level = "none"
        self.engine.health = self._health  # type: ignore[method-assign]

    async def _health(self) -> dict[str, ProviderHealth]:
        fine = msgspec.structs.replace(HEALTH, breakers={}, headroom={}, unpriced=2)
        return {"openai": HEALTH, "ollama": msgspec.structs.replace(fine, cost=Decimal(0))}
