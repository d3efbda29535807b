"""Send many prompts, some at a time, and print each answer as it arrives.

OPENAI_API_KEY=... python examples/batch_processing.py openai gpt-6-luna 20
"""

from __future__ import annotations

import asyncio
import sys

from swebench_providers import Candidate, Policies, ProviderCoordinator, RetrySettings, UnifiedRequest, get_registry


async def main(name: str, model: str, count: int) -> None:
    registry = get_registry()
    # Answers are printed when they are complete, so one that breaks off may start again from nothing.
    policies = Policies(retry=RetrySettings(restart=True))
    coordinator = ProviderCoordinator([Candidate(registry.get_provider(name), model)], policies)
    requests = (UnifiedRequest(prompt=f"What is {n} squared?", max_tokens=50) for n in range(count))
    try:
        async for result in coordinator.process_batch(requests, concurrency=8):
            outcome = result.response.content if result.response else f"failed: {result.error}"
            print(f"{result.index}: {outcome}")
    finally:
        await registry.aclose()
    health = coordinator.health()[name]
    print(
        f"{health.succeeded} answered, {health.failed} attempts failed, half of them within {health.latency.p50:.0f} ms"
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
