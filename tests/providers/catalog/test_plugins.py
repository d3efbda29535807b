"""Providers of other packages: the examples of docs/add-a-provider.md, and broken packages."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from swebench_providers import (
    ErrorKind,
    Provider,
    ProviderCoordinator,
    ProviderError,
    ProviderRegistry,
    ProviderSpec,
    TokenUsage,
    UnifiedRequest,
)
from swebench_providers.catalog import AuthStyle, ProtocolName
from tests.fault_server import FaultServer, Script

DOCUMENT = Path(__file__).parents[3] / "docs" / "add-a-provider.md"
INTERNAL = {"embedded"}
"""Keys that only a provider of this repository needs."""

_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, removed from `sys.modules` afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def install(site: Path, **points: str) -> None:
    """Write the metadata of an installed distribution with these entry points."""
    folder = site / "swebench_extras-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: swebench-extras\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[swebench_providers]", *lines, ""]))


def write(site: Path, path: str, text: str) -> None:
    (site / path).parent.mkdir(exist_ok=True)
    (site / path).write_text(text)


def documented(site: Path) -> None:
    for path, text in _FILE.findall(DOCUMENT.read_text()):
        write(site, path, text)


async def test_the_documented_package_of_data_is_a_provider(site: Path, fault_server: FaultServer) -> None:
    documented(site)
    install(site, acme="swebench_acme")
    fault_server.default = Script("from acme")
    registry = ProviderRegistry({"ACME_API_KEY": "k-1", "ACME_BASE_URL": f"{fault_server.base_url}/v1"})
    assert "acme" in registry.list_providers()
    answer = await registry.get_provider("acme").generate_unified(UnifiedRequest(prompt="Say it."))
    assert (answer.content, answer.provider) == ("from acme", "acme")
    assert fault_server.requests[0].headers["authorization"] == "Bearer k-1"
    assert fault_server.requests[0].json["model"] == "acme-large"
    await registry.aclose()


@pytest.mark.parametrize("stream", [True, False])
async def test_the_documented_package_with_code_answers_through_a_coordinator(site: Path, *, stream: bool) -> None:
    documented(site)
    install(site, echo="swebench_echo")
    provider = ProviderRegistry({}).get_provider("echo")
    coordinator = ProviderCoordinator([provider])
    answer = await coordinator.generate_with_fallback(UnifiedRequest(prompt="hello there", stream=stream))
    assert (answer.content, answer.provider, answer.model, answer.cost) == ("hello there", "echo", "echo", None)
    assert answer.usage == TokenUsage(prompt_tokens=2, completion_tokens=2, source="estimated")
    assert answer.failed_attempts == ()
    assert (await provider.count_tokens("a b", "echo")).tokens == 2


def test_the_documented_package_has_the_methods_of_a_provider(site: Path) -> None:
    documented(site)
    install(site, echo="swebench_echo")
    provider = ProviderRegistry({}).get_provider("echo")
    for name in [name for name, member in vars(Provider).items() if inspect.isfunction(member) and name[0] != "_"]:
        parameters = inspect.signature(getattr(Provider, name)).parameters.values()
        expected = [(each.name, each.kind, each.default) for each in parameters if each.name != "self"]
        found = inspect.signature(getattr(provider, name)).parameters.values()
        assert [(each.name, each.kind, each.default) for each in found] == expected, name


def test_every_key_of_a_specification_is_documented() -> None:
    table = DOCUMENT.read_text().partition("| key | meaning |\n")[2].partition("\n\n")[0]
    keys = {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert keys | INTERNAL == {field.name for field in msgspec.structs.fields(ProviderSpec)}
    assert not keys & INTERNAL
    for values in (ProtocolName, AuthStyle):
        assert [value for value in get_args(values) if f"`{value}`" not in table] == []


@pytest.mark.parametrize(
    ("code", "toml", "why"),
    [
        ("raise RuntimeError('no luck')", 'title = "B"', "RuntimeError: no luck"),
        ("import a_package_nobody_has", 'title = "B"', "ModuleNotFoundError"),
        ("raise SystemExit('bye')", 'title = "B"', "SystemExit: bye"),
        ("", None, "FileNotFoundError"),
        ("", 'title = "B"', "protocol"),
        ("", 'title = "B"\nprotocol = "openai_chat"\nbase_ulr = "x"', "base_ulr"),
        ("", "title = ", "provider.toml"),
    ],
)
def test_a_broken_package_is_reported_and_breaks_nothing(site: Path, code: str, toml: str | None, why: str) -> None:
    write(site, "broken_one/__init__.py", code)
    if toml is not None:
        write(site, "broken_one/provider.toml", toml)
    install(site, broken="broken_one")
    registry = ProviderRegistry({})
    assert "broken" in registry.list_providers()
    with pytest.raises(ProviderError, match=r"'broken' from swebench-extras 1\.0 is broken") as caught:
        registry.get_provider("broken")
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.BAD_ENDPOINT, "broken_plugin")
    assert why in str(caught.value)
    assert registry.get_provider("ollama").name == "ollama"


def test_a_package_cannot_replace_a_provider_of_the_catalog(site: Path) -> None:
    documented(site)
    install(site, openai="swebench_echo")
    assert ProviderRegistry({}).spec("openai").title == "OpenAI"


def test_names_are_listed_without_importing_anything(site: Path) -> None:
    write(site, "loud_one/__init__.py", "raise SystemExit('imported')")
    install(site, loud="loud_one")
    assert "loud" in ProviderRegistry({}).list_providers()
    assert "loud_one" not in sys.modules
