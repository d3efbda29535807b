"""Send a prompt to one model, and to another one if the first fails.

OPENAI_API_KEY=... ANTHROPIC_API_KEY=... python examples/fallback.py openai:gpt-6-luna anthropic:claude-haiku-5-5
"""

from __future__ import annotations

import asyncio
import sys

from swebench_providers import Candidate, ProviderCoordinator, ProviderError, UnifiedRequest, get_registry


async def main(targets: list[str]) -> int:
    registry = get_registry()
    named = [target.partition(":") for target in targets]
    coordinator = ProviderCoordinator([Candidate(registry.get_provider(name), model) for name, _, model in named])
    try:
        answer = await coordinator.generate_with_fallback(UnifiedRequest(prompt="Say hello.", max_tokens=50))
    except ProviderError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 1
    finally:
        await registry.aclose()
    for failed in answer.failed_attempts:
        print(f"{failed.provider}:{failed.model} failed: {failed.message}")
    print(f"{answer.provider}:{answer.model} answered: {answer.content}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
