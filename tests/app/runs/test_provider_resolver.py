"""Providers resolved with their keys, and the policies they share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

import pytest

from swebench_providers import (
    ErrorKind,
    Event,
    ProviderConfig,
    ProviderError,
    ProviderRegistry,
    Secret,
    TextDelta,
    UnifiedRequest,
)
from swebench_tui.runs.generation import Source
from swebench_tui.runs.provider_resolver import ProviderResolver, interactive_coordinator
from swebench_tui.settings.errors import KeyStoreError
from tests.app.scripted import ScriptedProvider, finished, registry_of, text
from tests.fault_server import FaultServer, Script, failing

REQUEST = UnifiedRequest(prompt="Why?", model="m")


async def read(source: Source) -> str:
    """The text of one answer."""
    events: list[Event] = []
    async with aclosing(source.stream(REQUEST)) as stream:
        events += [event async for event in stream]
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def locked(_name: str) -> Mapping[str, ProviderConfig]:
    raise KeyStoreError("the keyring is locked", hint="Unlock it.")


async def test_a_resolved_provider_answers_and_is_counted() -> None:
    coordinator = interactive_coordinator()
    resolver = ProviderResolver(registry_of(acme=ScriptedProvider(text("Hello."), finished())), coordinator)
    assert await read(resolver.source("acme")) == "Hello."
    assert coordinator.health()["acme"].succeeded == 1


async def test_the_second_key_is_used_when_the_first_is_refused() -> None:
    async with FaultServer() as server:
        server.enqueue(failing(401, "bad key"), Script("Hello."))
        registry = ProviderRegistry({"COMPATIBLE_BASE_URL": server.base_url})

        def configs(name: str) -> Mapping[str, ProviderConfig]:
            return {
                label: ProviderConfig(name=name, api_key=Secret(f"sk-{label}"), base_url=server.base_url)
                for label in ("work", "home")
            }

        coordinator = interactive_coordinator()
        resolved = ProviderResolver(registry, coordinator, configs).resolve("compatible")
        assert await read(resolved) == "Hello."
        sent = [request.headers["authorization"] for request in server.requests]
        assert sent == ["Bearer sk-work", "Bearer sk-home"]
        assert list(coordinator.disabled_keys("compatible")) == ["work"]


async def test_another_base_url_gets_none_of_the_keys() -> None:
    async with FaultServer(Script("Hello.")) as server:
        registry = ProviderRegistry({"OPENAI_API_KEY": "sk-canary"})
        resolver = ProviderResolver(registry, interactive_coordinator(), locked)
        resolved = resolver.resolve("compatible", base_url=server.base_url)
        assert await read(resolved) == "Hello."
        assert "authorization" not in server.requests[0].headers


def test_an_unreadable_key_is_an_error_with_its_hint() -> None:
    resolver = ProviderResolver(ProviderRegistry({}), interactive_coordinator(), locked)
    with pytest.raises(ProviderError, match="the keyring is locked") as caught:
        resolver.resolve("openai")
    error = caught.value
    assert (error.kind, error.reason, error.hint) == (ErrorKind.AUTH, "key_out_of_reach", "Unlock it.")
    assert (error.__cause__, error.__context__) == (None, None)


async def test_the_source_of_an_unreadable_key_fails_when_it_streams() -> None:
    source = ProviderResolver(ProviderRegistry({}), interactive_coordinator(), locked).source("openai")
    assert (source.name, source.is_free("gpt-6-luna")) == ("openai", False)
    with pytest.raises(ProviderError, match="the keyring is locked"):
        await read(source)


@pytest.mark.parametrize(("name", "base_url"), [("olama", None), ("ollama", "ftp://host")])
def test_an_invalid_target_has_no_source(name: str, base_url: str | None) -> None:
    resolver = ProviderResolver(ProviderRegistry({}), interactive_coordinator())
    with pytest.raises(ProviderError):
        resolver.source(name, base_url=base_url)
