"""Send a prompt to one model, and print its answer, latency and cost.

OPENAI_API_KEY=... python examples/basic_usage.py openai gpt-6-luna
"""

from __future__ import annotations

import asyncio
import sys

from swebench_providers import ProviderError, TextDelta, UnifiedRequest, get_registry


async def main(name: str, model: str) -> int:
    registry = get_registry()
    provider = registry.get_provider(name)
    request = UnifiedRequest(model=model, prompt="Why is the sky blue? One sentence.", max_tokens=200)
    try:
        async for event in provider.stream_unified(request):
            if isinstance(event, TextDelta):
                print(event.text, end="", flush=True)
        answer = await provider.generate_unified(request)
    except ProviderError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 1
    finally:
        await registry.aclose()
    cost = "unknown" if answer.cost is None else f"${answer.cost}"
    print(f"\n{answer.model}: {answer.finish_reason}, {answer.latency_ms:.0f} ms, cost {cost}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2])))
