"""A long run with every policy on: does anything grow?

    python -m tests.benchmarks.soak [--minutes 10] [--in-flight 200]
    python -m tests.benchmarks.soak --small

Two providers, the first with three keys, each with a fault server in a process of its own, which answers most requests
at the pace of a model and spoils the others: refused, failed, cut off, broken off. Budgets with a journal, limits on
requests and tokens, adaptive concurrency, circuit breakers that open now and then, retries and fallback are all at
work.

Every 30 seconds, and after a full garbage collection, it prints requests done and their rate, memory (of the servers
too), tasks, open files, and objects of the layer's own types that the collector knows. At the end the last sample is
compared with that of the first minute, and what is left when all is over with what there was before.

`--small` runs for seconds, to see that the benchmark works. That is too short to judge growth: only what is left over
counts. Exit status 1 means that something grew or was left over, 2 that nothing was measured: no answers, or no
failures. Reads /proc, so it runs on Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from swebench_providers import (
    BreakerSettings,
    Budget,
    Candidate,
    ConcurrencySettings,
    FileJournal,
    ModelPrice,
    Policies,
    ProviderConfig,
    ProviderCoordinator,
    RateLimits,
    RetrySettings,
    Secret,
    TimeLimits,
    UnifiedRequest,
    spent_according_to,
)
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from tests.benchmarks.not_measured import NotMeasuredError
from tests.fault_server import Ending, FaultServerProcess, Script, failing

FIRST_MINUTE: Final = 60.0
PRICE: Final = ModelPrice(input=Decimal(1), output=Decimal(10))
LIMITS: Final = RateLimits(
    requests_per_minute=60_000,
    tokens_per_minute=60_000_000,
    concurrency=ConcurrencySettings(start=60, least=50, most=200),
)
POLICIES: Final = Policies(
    retry=RetrySettings(attempts=4, base=0.05, throttled_base=0.1, longest_backoff=1.0, restart=True),
    breaker=BreakerSettings(minimum_calls=20, failure_rate=0.4, open_for=1.0, longest_open=5.0),  # an eighth fails
    limits={"first": LIMITS, "second": LIMITS},
)

# By how much the last sample may exceed that of the first minute: a share, an amount, and an amount per call in flight,
# since a sample may fall into a moment in which most calls wait for a circuit to close.
SHARE: Final = 0.1
AMOUNT: Final = {"rss_mb": 5.0, "server_mb": 5.0, "tasks": 20.0, "files": 20.0, "objects": 100.0}
PER_CALL: Final = {"files": 1.0, "objects": 5.0}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run lasts, and how it is sampled. Times are seconds.

    `tokens_per_second` is the pace of an answer, `silence` how long a server may be silent.
    """

    seconds: float
    in_flight: int
    sample_every: float = 30.0
    tokens_per_second: float = 12.0
    silence: float = 5.0
    judges_growth: bool = True


SMALL: Final = Plan(
    seconds=3.0, in_flight=40, sample_every=1.0, tokens_per_second=400.0, silence=0.5, judges_growth=False
)


def mix(tokens_per_second: float) -> list[Script]:
    """What the servers answer: one in seven answers is spoiled."""
    text = "A line of the answer. " * 6
    good = Script(text, tokens_per_second=tokens_per_second)
    endings = [(Ending.TRUNCATED, 8), (Ending.RESET, 8), (Ending.STALL, 2)]
    broken = [
        Script(text, tokens_per_second=tokens_per_second, ending=ending, after=after) for ending, after in endings
    ]
    return [*[good] * 34, failing(429, retry_after="0.5"), failing(500), failing(529), *broken]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The state at a moment; `elapsed` and `done` count from the beginning, `kinds` are objects by type."""

    elapsed: float
    done: int
    rss_mb: float
    server_mb: float
    tasks: int
    files: int
    objects: int
    kinds: dict[str, int]

    def __str__(self) -> str:
        return (
            f"{self.elapsed:6.0f} s  done {self.done:7d}  rss {self.rss_mb:6.1f} MB  servers {self.server_mb:6.1f} MB  "
            f"tasks {self.tasks:5d}  files {self.files:5d}  objects {self.objects:6d}"
        )


class Soak:
    """A run, and its samples. `servers` are the base URLs of the two providers, `pids` the processes behind them."""

    def __init__(self, plan: Plan, folder: Path, servers: Sequence[str], pids: Sequence[int] = ()) -> None:
        self._plan = plan
        self._servers = servers
        self._pids = pids
        self._transport = Transport()
        self._paths = [folder / f"{name}.jsonl" for name in ("run", "first")]
        self._journals = [FileJournal(path) for path in self._paths]
        self._budgets = [
            Budget(f"budget {number}", Decimal(1_000_000), journal=journal)
            for number, journal in enumerate(self._journals)
        ]
        self._coordinator = self._make_coordinator()
        self._began = time.monotonic()
        self.done = 0
        self.failed: Counter[str] = Counter()

    def _make_coordinator(self) -> ProviderCoordinator:
        first, second = self._servers
        keys = {f"key {number}": self._provider("first", first, f"sk-{number}") for number in (2, 3)}
        return ProviderCoordinator(
            [
                Candidate(self._provider("first", first, "sk-1"), "m", label="key 1", more_keys=keys),
                Candidate(self._provider("second", second, "sk-4"), "m"),
            ],
            POLICIES,
            budgets=self._budgets[:1],
            provider_budgets={"first": self._budgets[1]},
        )

    def _provider(self, name: str, server: str, key: str) -> HTTPProvider:
        silence = self._plan.silence
        config = ProviderConfig(
            name=name,
            api_key=Secret(key),
            base_url=f"{server}/v1",
            base_url_source="given",
            time_limits=TimeLimits(connect=10, first_token=silence, idle=silence, total=60),
            prices={"m": PRICE},
        )
        return HTTPProvider(provider_spec("compatible"), config, self._transport)

    async def run(self) -> bool:
        """Whether nothing grew or was left over. Raises `NotMeasuredError` if nothing happened that could show it."""
        before = self._sample()
        samples: list[Sample] = []
        self._began = time.monotonic()
        sampling = asyncio.create_task(self._take_samples(samples))
        requests = self._requests_until(sampling)
        async with aclosing(self._coordinator.process_batch(requests, concurrency=self._plan.in_flight)) as results:
            async for result in results:
                self.done += 1
                if result.error is not None:
                    self.failed[result.error.kind] += 1
        await sampling
        await self._transport.aclose()
        self._print_health()
        self._check_measured(samples)
        grown = self._grown(samples) if self._plan.judges_growth else []
        left_over = self._left_over(before, self._sample())
        print(f"VERDICT: {'grew: ' + ', '.join(grown) if grown else 'flat'}; left over: {left_over or 'nothing'}")
        return not grown and not left_over

    def _requests_until(self, sampling: asyncio.Task[None]) -> Iterator[UnifiedRequest]:
        """Requests until the last sample has been taken, so that it is one under load too."""
        number = 0
        while not sampling.done():
            number += 1
            yield UnifiedRequest(prompt=f"Question {number}. " * 50, max_tokens=100)

    async def _take_samples(self, samples: list[Sample]) -> None:
        every = self._plan.sample_every
        for tick in range(1, int(self._plan.seconds / every) + 1):
            await asyncio.sleep(self._began + tick * every - time.monotonic())
            sample = self._sample()
            rate = (sample.done - (samples[-1].done if samples else 0)) / every
            samples.append(sample)
            print(f"{sample}  {rate:6.1f} a second", flush=True)

    def _sample(self) -> Sample:
        gc.collect()
        types = Counter(type(thing) for thing in gc.get_objects())
        kinds = {kind.__name__: n for kind, n in types.items() if str(kind.__module__).startswith("swebench_providers")}
        return Sample(
            elapsed=time.monotonic() - self._began,
            done=self.done,
            rss_mb=_resident("self"),
            server_mb=sum(_resident(str(pid)) for pid in self._pids),
            tasks=len(asyncio.all_tasks()),
            files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            objects=sum(kinds.values()),
            kinds=kinds,
        )

    def _print_health(self) -> None:
        for name, health in self._coordinator.health().items():
            openings = sum(breaker.openings for breaker in health.breakers.values())
            print(
                f"{name}: {health.succeeded} answered, {health.failed} failed "
                f"({', '.join(f'{kind.value} {count}' for kind, count in health.error_kinds.items())}), "
                f"{health.retries} retries, breaker opened {openings} times, ${health.cost:.2f}"
            )
        print(f"calls that failed: {dict(self.failed) or 'none'}")

    def _check_measured(self, samples: Sequence[Sample]) -> None:
        """Raise `NotMeasuredError` for the first thing that did not happen."""
        health = self._coordinator.health()
        journaled = [spent_according_to(path) for path in self._paths]
        happened = {
            "two samples": len(samples) >= 2,
            "a request that was done by the last sample": bool(samples and samples[-1].done),
            "an answer of the first provider": bool(health["first"].succeeded),
            "a failed attempt": any(each.failed for each in health.values()),
            "a retry": any(each.retries for each in health.values()),
            "a cost": all(budget.spent for budget in self._budgets),
            "a journal of that cost": journaled == [budget.spent for budget in self._budgets],
        }
        for what, did in happened.items():
            if not did:
                raise NotMeasuredError(f"missing: {what}")

    def _grown(self, samples: Sequence[Sample]) -> list[str]:
        """The names of what grew; prints all figures."""
        *earlier, last = samples
        first = next((sample for sample in earlier if sample.elapsed >= FIRST_MINUTE), earlier[0])
        for name in AMOUNT:
            was, became = getattr(first, name), getattr(last, name)
            when = f"{was:8.1f} at {first.elapsed:.0f} s, {became:8.1f} at {last.elapsed:.0f} s"
            print(f"{name:10s} {when}: {became - was:+.1f}")
        more = Counter(last.kinds)
        more.subtract(first.kinds)
        print(f"objects that became more: {', '.join(f'{kind} {n:+d}' for kind, n in more.most_common(5) if n > 0)}")
        return [name for name in AMOUNT if self._grew(first, last, name)]

    def _grew(self, first: Sample, last: Sample, name: str) -> bool:
        was, became = float(getattr(first, name)), float(getattr(last, name))
        return became > was * (1 + SHARE) + AMOUNT[name] + PER_CALL.get(name, 0.0) * self._plan.in_flight

    def _left_over(self, before: Sample, after: Sample) -> dict[str, float | Decimal]:
        """What there is more of after the run than before, by name."""
        left = {
            "tasks": after.tasks - before.tasks,
            "files": after.files - before.files,
            "USD reserved": sum(budget.reserved for budget in self._budgets),
            "requests in flight": sum(health.in_flight for health in self._coordinator.health().values()),
        }
        return {what: number for what, number in left.items() if number > 0}

    def close(self) -> None:
        for journal in self._journals:
            journal.close()


def _resident(process: str) -> float:
    """Memory of a process that is in RAM, in MB."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def soak(plan: Plan, folder: Path, servers: Sequence[str], pids: Sequence[int] = ()) -> bool:
    run = Soak(plan, folder, servers, pids)
    try:
        return await run.run()
    finally:
        run.close()


def measure(plan: Plan) -> bool:
    """Whether nothing grew or was left over, with servers of its own. Raises `NotMeasuredError`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        answers = mix(plan.tokens_per_second)
        servers = [stack.enter_context(FaultServerProcess(mix=answers, remembered=0)) for _ in range(2)]
        return asyncio.run(
            soak(plan, folder, [server.base_url for server in servers], [server.pid for server in servers])
        )


def main(arguments: list[str] | None = None, *, small: Plan = SMALL) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="at least 1")
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--small", action="store_true", help="run for a few seconds, without judging growth")
    options = parser.parse_args(arguments)
    if options.minutes * 60 < FIRST_MINUTE:
        parser.error("--minutes: there is nothing to compare before the first minute is over")
    plan = small if options.small else Plan(seconds=options.minutes * 60, in_flight=options.in_flight)
    try:
        return 0 if measure(plan) else 1
    except NotMeasuredError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
