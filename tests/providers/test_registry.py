"""The registry: names, nearest matches, registered providers, and use from several threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    ProviderConfig,
    ProviderError,
    ProviderRegistry,
    ProviderSpec,
    UnifiedRequest,
    get_registry,
)
from swebench_providers.catalog import provider_names
from swebench_providers.embedded.provider import EmbeddedProvider
from swebench_providers.http.interface import HTTPTransport
from swebench_providers.provider import HTTPProvider
from tests.fault_server import FaultServer, Script
from tests.providers.dialects import REQUEST

NAMES = list(provider_names())
ALL = f"Known: {', '.join(sorted([*NAMES, 'mine']))}."


def test_the_registry_lists_the_catalogs_names_in_order() -> None:
    assert ProviderRegistry({}).list_providers() == NAMES


def test_a_custom_configure_gets_spec_environment_and_base_url() -> None:
    calls: list[object] = []

    def configure(
        name: str, spec: ProviderSpec, environ: Mapping[str, str], *, base_url: str | None = None
    ) -> ProviderConfig:
        calls.append((name, spec.title, environ, base_url))
        return ProviderConfig(name=name, model="mine")

    registry = ProviderRegistry({"A": "b"}, configure=configure)
    assert registry.configure("openai", base_url="h:1").model == "mine"
    assert calls == [("openai", "OpenAI", {"A": "b"}, "h:1")]


def test_a_registered_provider_can_be_unregistered() -> None:
    registry = ProviderRegistry({})
    for name in ("mine", "openai"):
        registry.register(name, ProviderSpec(title="Mine", protocol="openai_chat"))
        registry.unregister(name)
    registry.unregister("nobody")
    assert (registry.list_providers(), registry.spec("openai").title) == (NAMES, "OpenAI")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_gives_a_provider_of_that_name(name: str) -> None:
    provider = ProviderRegistry({"COMPATIBLE_BASE_URL": "h:1"}).get_provider(name)
    assert (provider.name, provider.spec) == (name, ProviderRegistry({}).spec(name))
    assert isinstance(provider, EmbeddedProvider if name == "embedded" else HTTPProvider)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("opnai", "Did you mean 'openai'?"),
        ("antropic", "Did you mean 'anthropic'?"),
        ("ollma", "Did you mean 'ollama'?"),
        ("zzz", ALL),
        ("", ALL),
        ("min", "Did you mean 'mine'?"),
        ("../openai", "Did you mean 'openai'?"),
    ],
)
def test_an_unknown_name_hints_at_the_nearest_or_all(written: str, hint: str) -> None:
    registry = ProviderRegistry({})
    registry.register("mine", ProviderSpec(title="Mine", protocol="openai_chat"))
    for lookup in (registry.spec, registry.get_provider, registry.configure):
        with pytest.raises(ProviderError) as caught:
            lookup(written)
        assert (caught.value.kind, caught.value.reason) == (ErrorKind.BAD_ENDPOINT, "unknown_provider")
        assert (str(caught.value), caught.value.hint) == (f"unknown provider {written!r}", hint)


async def test_a_registered_spec_uses_its_protocol(fault_server: FaultServer) -> None:
    registry = ProviderRegistry({"MINE_URL": fault_server.base_url, "MINE_KEY": "k"})
    spec = ProviderSpec(
        title="Mine", protocol="anthropic_messages", env=("MINE_KEY",), base_url_env=("MINE_URL",), auth="x-api-key"
    )
    registry.register("mine", spec)
    assert registry.list_providers() == sorted([*NAMES, "mine"])
    answer = await registry.get_provider("mine").generate_unified(REQUEST)
    await registry.aclose()
    assert (answer.provider, answer.content) == ("mine", Script().text)
    assert (fault_server.requests[0].path, fault_server.requests[0].headers["x-api-key"]) == ("/v1/messages", "k")


def test_registering_a_name_again_replaces_spec_and_factory() -> None:
    made: list[str] = []

    def factory(spec: ProviderSpec, config: ProviderConfig, transport: HTTPTransport) -> HTTPProvider:
        made.append(config.name)
        return HTTPProvider(spec, config, transport)

    registry = ProviderRegistry({})
    registry.register("openai", ProviderSpec(title="Another", protocol="openai_chat"), factory)
    assert registry.list_providers() == NAMES
    assert (registry.get_provider("openai").spec.title, made) == ("Another", ["openai"])


async def test_a_given_configuration_is_used(fault_server: FaultServer) -> None:
    registry = ProviderRegistry({"OLLAMA_HOST": "http://127.0.0.1:1"})
    config = msgspec.structs.replace(registry.configure("ollama"), base_url=fault_server.base_url, model="chosen")
    answer = await registry.get_provider("ollama", config).generate_unified(UnifiedRequest(prompt="Hi"))
    await registry.aclose()
    assert answer.model == "chosen"


async def test_providers_with_the_same_proxy_share_connections(fault_server: FaultServer) -> None:
    registry = ProviderRegistry({"COMPATIBLE_BASE_URL": fault_server.base_url, "OLLAMA_HOST": fault_server.base_url})
    await registry.get_provider("compatible").generate_unified(REQUEST)
    await registry.get_provider("ollama").generate_unified(REQUEST)
    direct = msgspec.structs.replace(registry.configure("ollama"), proxy="")
    await registry.get_provider("ollama", direct).generate_unified(REQUEST)
    await registry.aclose()
    first, second, third = (request.peer_port for request in fault_server.requests)
    assert first == second != third
    await fault_server.all_closed(within=5.0)


def test_there_is_one_registry_in_a_process() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: get_registry(), range(64)))
    assert {id(registry) for registry in found} == {id(get_registry())}


def test_the_registry_may_be_used_from_many_threads_at_once() -> None:
    registry, start = ProviderRegistry({"COMPATIBLE_BASE_URL": "h:1"}), threading.Barrier(8)

    def work(thread: int) -> None:
        start.wait()
        for turn in range(50):
            registry.register(f"own-{thread}-{turn}", ProviderSpec(title="Own", protocol="openai_chat"))
            assert registry.get_provider(f"own-{thread}-{turn}").spec.title == "Own"
            assert registry.get_provider("compatible").name == "compatible"
            names = registry.list_providers()
            assert names == sorted(names)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(registry.list_providers()) == len(NAMES) + 400


async def test_the_process_environment_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = ProviderRegistry()
    monkeypatch.setenv("OLLAMA_HOST", "here.example:1")
    assert registry.configure("ollama").base_url == "http://here.example:1"
    monkeypatch.setenv("OLLAMA_HOST", "there.example:2")
    assert registry.configure("ollama").base_url == "http://there.example:2"
