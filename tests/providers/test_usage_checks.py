"""What a server reports of its own answer is checked: an answer as long as its limit was cut off."""

from __future__ import annotations

import pytest

from swebench_providers import Finished, FinishReason, Notice, TokenUsage, UnifiedRequest, UsageUpdate
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.http.transport import Transport
from swebench_providers.usage_checks import UsageChecker
from tests.providers.dialects import provider_at

STOP = Finished(reason=FinishReason.STOP, time=1.0)


@pytest.mark.parametrize(("tokens", "cut"), [(7, False), (8, True), (9, False)])
def test_an_answer_as_long_as_its_limit_was_cut_off(tokens: int, *, cut: bool) -> None:
    checker = UsageChecker(UnifiedRequest(prompt="?", max_tokens=8), cuts_prompts=False)
    checker.check([UsageUpdate(TokenUsage(completion_tokens=tokens), 1.0)])
    *notices, last = checker.check([STOP])
    assert isinstance(last, Finished)
    assert last.reason is (FinishReason.LENGTH if cut else FinishReason.STOP)
    assert [isinstance(notice, Notice) for notice in notices] == ([True] if cut else [])


def test_without_a_count_or_a_limit_nothing_is_contradicted() -> None:
    for request, usage in (
        (UnifiedRequest(prompt="?"), TokenUsage(completion_tokens=9_999)),
        (UnifiedRequest(prompt="?", max_tokens=8), TokenUsage(completion_tokens=9, source="estimated")),
    ):
        checker = UsageChecker(request, cuts_prompts=False)
        checker.check([UsageUpdate(usage, 1.0)])
        assert checker.check([STOP]) == [STOP]
    assert UsageChecker(UnifiedRequest(prompt="?", max_tokens=8), cuts_prompts=False).check([STOP]) == [STOP]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one body"])
async def test_a_real_llamacpp_reports_a_cut_answer_as_completed(
    llama_server: EmbeddedServer, transport: Transport, *, stream: bool
) -> None:
    running = llama_server.start()
    provider = provider_at(
        f"{running.address}/v1", "llamacpp", transport, api_key=running.key, protocol="openai_responses"
    )
    request = UnifiedRequest(prompt="Tell a long story about a dragon.", max_tokens=8, temperature=0, stream=stream)
    answer = await provider.generate_unified(request)
    assert answer.finish_reason is FinishReason.LENGTH
    assert any("it was cut off" in notice for notice in answer.notices)
