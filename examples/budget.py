"""Send requests until a budget is spent: it refuses the request that might exceed it.

OPENAI_API_KEY=... python examples/budget.py openai gpt-6-luna 0.01
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from itertools import count

from swebench_providers import (
    Budget,
    Candidate,
    Policies,
    ProviderCoordinator,
    ProviderError,
    UnifiedRequest,
    get_registry,
)


async def main(name: str, model: str, cap: Decimal) -> None:
    registry = get_registry()
    budget = Budget("example", cap, on_warning=lambda warning: print(f"{warning.share:.0%} of it is spent"))
    coordinator = ProviderCoordinator(
        [Candidate(registry.get_provider(name), model)], Policies(unknown_price="refuse"), budgets=[budget]
    )
    try:
        for number in count(1):
            answer = await coordinator.generate_with_fallback(UnifiedRequest(prompt="Say hello.", max_tokens=50))
            print(f"answer {number} cost ${answer.cost}")
    except ProviderError as error:
        print(f"stopped: {error}")
    finally:
        await registry.aclose()
    print(f"spent ${budget.spent} of ${budget.cap}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Decimal(sys.argv[3])))
