"""Grammars: sent to llama.cpp's Chat Completions, and left out with a notice everywhere else (wire-contracts 3.2)."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from swebench_providers import ErrorKind, FinishReason, ProviderError, UnifiedRequest
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.catalog.profiles import ModelProfile
from swebench_providers.catalog.spec import ProtocolName
from swebench_providers.config import ProviderConfig
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.embedded.provider import EmbeddedProvider
from swebench_providers.http.transport import Transport
from swebench_providers.protocols import pipeline
from swebench_providers.provider import takes_grammar
from tests.fault_server import FaultServer
from tests.providers.dialects import provider_at

GRAMMAR = 'root ::= "yes" | "no"'
REQUEST = UnifiedRequest(model="m", prompt="Is it day?", max_tokens=20, grammar=GRAMMAR)


@pytest.mark.parametrize("name", provider_names())
@pytest.mark.parametrize("protocol", get_args(ProtocolName))
def test_a_grammar_is_sent_or_named_in_a_notice(name: str, protocol: ProtocolName) -> None:
    spec = provider_spec(name)
    wire = pipeline(protocol).transformer.encode(REQUEST, ModelProfile(), spec.quirks)
    sent = msgspec.json.decode(wire.body, type=dict[str, object]).get("grammar") == GRAMMAR
    noticed = any(notice.startswith("grammar left out") for notice in wire.notices)
    assert sent is not noticed
    if protocol != "azure_deployments":  # llama.cpp has no deployments
        assert sent is takes_grammar(spec, ProviderConfig(name=name, protocol=protocol))


def test_grammars_go_to_llama_cpp_alone() -> None:
    takers = [name for name in provider_names() if takes_grammar(provider_spec(name), ProviderConfig(name=name))]
    assert takers == ["embedded", "llamacpp"]
    assert {provider_spec(name).server for name in takers} == {"llamacpp"}


async def test_a_request_without_a_grammar_has_no_such_field(fault_server: FaultServer, transport: Transport) -> None:
    for grammar in (None, ""):
        request = msgspec.structs.replace(REQUEST, grammar=grammar)
        answer = await provider_at(fault_server.base_url, "llamacpp", transport).generate_unified(request)
        assert answer.notices == ()
        assert "grammar" not in (fault_server.requests[-1].json or {})


async def test_the_embedded_model_follows_a_grammar(llama_server: EmbeddedServer, transport: Transport) -> None:
    provider = EmbeddedProvider(
        provider_spec("embedded"), ProviderConfig(name="embedded"), transport, server=llama_server
    )
    answer = await provider.generate_unified(REQUEST)
    assert (answer.content in {"yes", "no"}, answer.finish_reason) == (True, FinishReason.STOP)
    with pytest.raises(ProviderError) as caught:
        await provider.generate_unified(msgspec.structs.replace(REQUEST, grammar="root ::= ["))
    assert (caught.value.kind, caught.value.parameter) == (ErrorKind.INVALID_REQUEST, "grammar")
    assert "cannot read the grammar" in caught.value.hint
