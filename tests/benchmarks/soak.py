"""A long run with every policy on: does anything grow?

    python -m tests.benchmarks.soak --minutes 10 --in-flight 200

Two providers, the first with three keys, each with a fault server in a process of its own, which answers most requests
at the pace of a model and spoils the others: refused, failed, cut off, broken off. Budgets with a journal, limits in
requests and tokens, adaptive concurrency, circuit breakers that open now and then, retries and fallback are all at
work.

Every 30 seconds, and after a full collection of garbage: requests done and their rate, memory (of the servers too),
tasks, open files, and objects of the layer's own types that the collector knows. In the end the last line is held
against that of the first minute, and what is left when all is over against what there was before. Exit status 1 means
that something grew. Reads /proc, so it runs on Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from swebench_providers import ModelPrice, ProviderConfig, Secret, TimeLimits, UnifiedRequest
from swebench_providers.catalog import provider_spec
from swebench_providers.coordinator.coordinator import ProviderCoordinator
from swebench_providers.coordinator.routes import Candidate
from swebench_providers.http.transport import Transport
from swebench_providers.policies.breaker import BreakerSettings
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.concurrency import ConcurrencySettings
from swebench_providers.policies.journal import FileJournal
from swebench_providers.policies.rate_limits import RateLimits
from swebench_providers.policies.retry import RetrySettings
from swebench_providers.policies.settings import Policies
from swebench_providers.provider import HTTPProvider
from tests.fault_server import Ending, FaultServerProcess, Script, failing

EVERY = 30.0  # seconds between two lines
FIRST_MINUTE = 60.0
PRICE = ModelPrice(input=Decimal(1), output=Decimal(10))
WORDS = "A line of the answer. " * 6
MIX = (
    *[Script(WORDS, tokens_per_second=12)] * 34,
    failing(429, retry_after="0.5"),
    failing(500),
    failing(529),
    Script(WORDS, tokens_per_second=12, ending=Ending.TRUNCATED, after=8),
    Script(WORDS, tokens_per_second=12, ending=Ending.RESET, after=8),
    Script(WORDS, tokens_per_second=12, ending=Ending.STALL, after=2),
)
LIMITS = RateLimits(
    requests_per_minute=60_000,
    tokens_per_minute=60_000_000,
    concurrency=ConcurrencySettings(start=60, least=50, most=200),
)
POLICIES = Policies(
    retry=RetrySettings(attempts=4, base=0.05, throttled_base=0.1, longest_backoff=1.0, restart=True),
    breaker=BreakerSettings(minimum_calls=20, failure_rate=0.4, open_for=1.0, longest_open=5.0),  # an eighth fails
    limits={"first": LIMITS, "second": LIMITS},
)
TIMES = TimeLimits(connect=10, first_token=5, idle=5, total=60)

# How much more there may be than in the first minute: a share, so many beside it, and so many for each call in flight,
# since a sample may fall into a moment in which most calls wait for a circuit to close.
SHARE = 0.1
BESIDE = {"rss_mb": 5.0, "server_mb": 5.0, "tasks": 20.0, "files": 20.0, "objects": 100.0}
PER_CALL = {"files": 1.0, "objects": 5.0}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What there is at a moment; `at` and `done` count from the beginning."""

    at: float
    done: int
    rss_mb: float
    server_mb: float
    tasks: int
    files: int
    objects: int
    kinds: dict[str, int]

    def __str__(self) -> str:
        return (
            f"{self.at:6.0f} s  done {self.done:7d}  rss {self.rss_mb:6.1f} MB  servers {self.server_mb:6.1f} MB  "
            f"tasks {self.tasks:5d}  files {self.files:5d}  objects {self.objects:6d}"
        )


class Soak:
    """A run, and the samples taken of it."""

    def __init__(self, seconds: float, in_flight: int, folder: Path, servers: list[FaultServerProcess]) -> None:
        self._seconds = seconds
        self._in_flight = in_flight
        self._servers = servers
        self._transport = Transport()
        self._journals = [FileJournal(folder / f"{name}.jsonl") for name in ("run", "first")]
        self._budgets = [Budget(f"budget {n}", Decimal(1_000_000), journal=j) for n, j in enumerate(self._journals)]
        self._coordinator = self._make_coordinator()
        self._began = time.monotonic()
        self.done = 0
        self.failed: Counter[str] = Counter()

    def _make_coordinator(self) -> ProviderCoordinator:
        first, second = self._servers
        keys = {f"key {n}": self._provider("first", first, f"sk-{n}") for n in (2, 3)}
        return ProviderCoordinator(
            [
                Candidate(self._provider("first", first, "sk-1"), "m", label="key 1", more_keys=keys),
                Candidate(self._provider("second", second, "sk-4"), "m"),
            ],
            POLICIES,
            budgets=self._budgets[:1],
            provider_budgets={"first": self._budgets[1]},
        )

    def _provider(self, name: str, server: FaultServerProcess, key: str) -> HTTPProvider:
        config = ProviderConfig(
            name=name,
            api_key=Secret(key),
            base_url=f"{server.base_url}/v1",
            base_url_source="given",
            time_limits=TIMES,
            prices={"m": PRICE},
        )
        return HTTPProvider(provider_spec("compatible"), config, self._transport)

    async def run(self) -> bool:
        """Whether all stayed as it was."""
        before = self._sample()
        samples: list[Sample] = []
        self._began = time.monotonic()
        telling = asyncio.create_task(self._tell(samples))
        async with aclosing(
            self._coordinator.process_batch(self._until(telling), concurrency=self._in_flight)
        ) as results:
            async for result in results:
                self.done += 1
                if result.error is not None:
                    self.failed[result.error.kind] += 1
        await telling
        await self._transport.aclose()
        self._tell_health()
        return self._judge(before, samples, self._sample())

    def _until(self, told: asyncio.Task[None]) -> Iterator[UnifiedRequest]:
        """Requests until the last sample has been taken, so that it is one under load too."""
        number = 0
        while not told.done():
            number += 1
            yield UnifiedRequest(prompt=f"Question {number}. " * 50, max_tokens=100)

    async def _tell(self, samples: list[Sample]) -> None:
        for tick in range(1, int(self._seconds / EVERY) + 1):
            await asyncio.sleep(self._began + tick * EVERY - time.monotonic())
            sample = self._sample()
            rate = (sample.done - (samples[-1].done if samples else 0)) / EVERY
            samples.append(sample)
            print(f"{sample}  {rate:6.1f} a second", flush=True)

    def _sample(self) -> Sample:
        gc.collect()
        types = Counter(type(thing) for thing in gc.get_objects())
        kinds = {of.__name__: n for of, n in types.items() if str(of.__module__).startswith("swebench_providers")}
        return Sample(
            at=time.monotonic() - self._began,
            done=self.done,
            rss_mb=_resident("self"),
            server_mb=sum(_resident(str(server.pid)) for server in self._servers),
            tasks=len(asyncio.all_tasks()),
            files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            objects=sum(kinds.values()),
            kinds=kinds,
        )

    def _tell_health(self) -> None:
        for name, health in self._coordinator.health().items():
            openings = sum(breaker.openings for breaker in health.breakers.values())
            print(
                f"{name}: {health.succeeded} answered, {health.failed} failed "
                f"({', '.join(f'{kind.value} {count}' for kind, count in health.error_kinds.items())}), "
                f"{health.retries} retries, breaker opened {openings} times, ${health.cost:.2f}"
            )
        print(f"calls that failed: {dict(self.failed) or 'none'}")

    def _judge(self, before: Sample, samples: list[Sample], after: Sample) -> bool:
        """Print what grew, and what was left over."""
        *earlier, under_load = samples
        first = next((sample for sample in earlier if sample.at >= FIRST_MINUTE), earlier[0])
        grown = [name for name in BESIDE if self._grew(first, under_load, name)]
        for name in BESIDE:
            was, became = getattr(first, name), getattr(under_load, name)
            when = f"{was:8.1f} at {first.at:.0f} s, {became:8.1f} at {under_load.at:.0f} s"
            print(f"{name:10s} {when}: {became - was:+.1f}")
        more = Counter(under_load.kinds)
        more.subtract(first.kinds)
        print(f"objects that became more: {', '.join(f'{kind} {n:+d}' for kind, n in more.most_common(5) if n > 0)}")
        left = {
            "tasks": after.tasks - before.tasks,
            "files": after.files - before.files,
            "USD reserved": sum(budget.reserved for budget in self._budgets),
            "requests in flight": sum(health.in_flight for health in self._coordinator.health().values()),
        }
        left_over = {what: number for what, number in left.items() if number > 0}
        print(f"VERDICT: {'grew: ' + ', '.join(grown) if grown else 'flat'}; left over: {left_over or 'nothing'}")
        return not grown and not left_over

    def _grew(self, first: Sample, last: Sample, name: str) -> bool:
        was, became = float(getattr(first, name)), float(getattr(last, name))
        return became > was * (1 + SHARE) + BESIDE[name] + PER_CALL.get(name, 0.0) * self._in_flight

    def close(self) -> None:
        for journal in self._journals:
            journal.close()


def _resident(process: str) -> float:
    """Memory of a process that is in RAM, in MB."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def soak(seconds: float, in_flight: int, folder: Path, servers: list[FaultServerProcess]) -> bool:
    run = Soak(seconds, in_flight, folder, servers)
    try:
        return await run.run()
    finally:
        run.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="at least 1")
    parser.add_argument("--in-flight", type=int, default=200)
    options = parser.parse_args()
    if options.minutes < 1:
        parser.error("--minutes: there is nothing to compare before the first minute is over")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = [stack.enter_context(FaultServerProcess(mix=MIX, remembered=0)) for _ in range(2)]
        return 0 if asyncio.run(soak(options.minutes * 60, options.in_flight, folder, servers)) else 1


if __name__ == "__main__":
    sys.exit(main())
