"""A kind of local server is one module and one TOML file, and a provider keeps its kind under any name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import msgspec
import pytest

import swebench_providers
from swebench_providers import ModelInfo, ProviderConfig, ProviderRegistry
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.provider import HTTPProvider
from swebench_providers.servers import server_kinds
from swebench_providers.servers.discovery import USUAL_PORTS
from tests.fault_server import FaultServer, Script
from tests.providers.wire import FIXTURES


class Abilities(NamedTuple):
    """What the server of a kind reports: the window of `model`, slots, and an exact count of tokens."""

    model: str
    window: int | None = None
    slots: int | None = None
    tokens: int | None = None


RESPONSES = {
    "/api/show": "ollama/show.json",
    "/api/v1/models": "lmstudio/api-v1-models.json",
    "/props": "llamacpp/props.json",
    "/v1/chat/completions/input_tokens": "llamacpp/input-tokens.json",
    "/api/v1/token_check": "fastchat/token-check.json",
    "/tokenize": "vllm/tokenize.json",
}
ABILITIES = {
    "ollama": Abilities("qwen3-coder:30b", window=262_144, slots=1),
    "lmstudio": Abilities("qwen/qwen3-coder-30b", window=4096),
    "llamacpp": Abilities("m", window=32_768, slots=1, tokens=900),
    "vllm": Abilities("m", tokens=900),
    "fastchat": Abilities("vicuna-7b-v1.5", window=4096, tokens=300),
    "sglang": Abilities("m", tokens=900),
}


def test_each_kind_is_named_as_its_provider_and_module() -> None:
    assert list(server_kinds()) == list(ABILITIES)  # the order of the scan
    assert [provider_spec(name).server for name in server_kinds()] == list(server_kinds())
    modules = Path(swebench_providers.__file__).parent / "servers" / "kinds"
    assert {path.stem for path in modules.glob("*.py")} == {"__init__", *server_kinds()}


def test_the_base_url_of_a_kind_has_its_port() -> None:
    for name, kind in server_kinds().items():
        assert (provider_spec(name).base_url or "").rpartition(":")[2].removesuffix("/v1") in map(str, kind.ports)
    assert USUAL_PORTS[:3] == (11434, 1234, 8080)
    assert len(set(USUAL_PORTS)) == len(USUAL_PORTS)


def test_only_providers_without_a_kind_name_a_count_endpoint() -> None:
    assert not [name for name in provider_names() if provider_spec(name).server and provider_spec(name).count_endpoint]


@pytest.mark.parametrize("kind", ABILITIES)
async def test_a_provider_keeps_its_kinds_abilities_under_any_name(kind: str, fault_server: FaultServer) -> None:
    fault_server.by_path.update({path: Script(body=(FIXTURES / file).read_bytes()) for path, file in RESPONSES.items()})
    spec = msgspec.structs.replace(provider_spec(kind), title="gpubox", base_url=None, base_url_env=())
    registry = ProviderRegistry({})
    registry.register("gpubox", spec)
    base_url = f"{fault_server.base_url}{spec.default_path}"
    provider = registry.get_provider("gpubox", ProviderConfig(name="gpubox", base_url=base_url))
    assert isinstance(provider, HTTPProvider)
    expected = ABILITIES[kind]
    [model] = await provider.describe([ModelInfo(id=expected.model)])
    count = await provider.count_tokens("def add(a, b):", expected.model)
    assert (model.context_window, await provider.slots(expected.model)) == (expected.window, expected.slots)
    assert (count.tokens if count.source == "exact" else None) == expected.tokens
    assert count.means.startswith("counted by gpubox: ") is (expected.tokens is not None)
    await registry.aclose()


DOCUMENT = Path(__file__).parents[3] / "docs" / "add-a-provider.md"
NEWCOMER = """
    import asyncio
    from swebench_providers import get_registry
    from swebench_providers.catalog import provider_spec
    from swebench_providers.servers import count_endpoint
    from swebench_providers.servers.discovery import USUAL_PORTS
    from swebench_providers.servers.probes import ProbeResponse
    from swebench_providers.servers.queries import ServerQueries
    from swebench_providers.servers.recognition import recognise

    STATUS = b'{"slots": 3, "server": "acme"}'

    async def fetch(request):
        assert request.path == "/status"
        return STATUS

    listed = ProbeResponse(200, {}, b'{"data": [{"id": "m", "owned_by": "acme"}]}')
    slots = asyncio.run(ServerQueries(provider_spec("acme"), fetch).slots("m"))
    counts = count_endpoint(provider_spec("acme")) is not None
    kind = recognise({"/v1/models": listed})
    unowned = ProbeResponse(200, {}, b'{"data": [{"id": "m"}]}')
    probed = recognise({"/v1/models": unowned, "/status": ProbeResponse(200, {}, STATUS)})
    print(kind, probed, 4711 in USUAL_PORTS, slots, counts, "acme" in get_registry().list_providers())
"""


def documented(name: str) -> str:
    """A file of the section on local servers."""
    (text,) = re.findall(rf"<!-- kind: {re.escape(name)} -->\n```\w+\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return str(text)


def test_the_documented_kind_is_one_module_and_one_toml_file(tmp_path: Path) -> None:
    package = Path(swebench_providers.__file__).parent
    copy = shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "servers" / "kinds" / "acme.py").write_text(documented("acme.py"))
    (copy / "catalog" / "providers" / "acme.toml").write_text(documented("acme.toml"))
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{dedent(NEWCOMER)}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("acme acme True 3 True True\n", "")
