"""The base URLs and keys that the environment gives each provider of the catalog, and where a key is sent."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderConfig, ProviderError, ProviderRegistry, Secret
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.config import from_environment, normalise
from swebench_providers.provider import HTTPProvider
from tests.providers import wire
from tests.providers.network import AZURE, VERTEX, Network, provider_on, request_for

# Addresses


@pytest.mark.parametrize(
    ("name", "port"), [("vllm", 8000), ("fastchat", 8000), ("sglang", 30000), ("lmstudio", 1234), ("llamacpp", None)]
)
def test_a_local_server_has_a_default_address(name: str, port: int | None) -> None:
    spec = provider_spec(name)
    config = from_environment(name, spec, {})
    assert (config.base_url, config.base_url_source) == (f"http://127.0.0.1:{port or 8080}/v1", "catalog")
    assert normalise("gpubox", spec) == f"http://gpubox{f':{port}' if port else ''}/v1"
    assert (spec.local, spec.price) == (True, "free")


@pytest.mark.parametrize(
    ("environ", "host", "location"),
    [
        ({}, "aiplatform.googleapis.com", "global"),
        ({"GOOGLE_CLOUD_LOCATION": " "}, "aiplatform.googleapis.com", "global"),
        ({"GOOGLE_CLOUD_LOCATION": "global"}, "aiplatform.googleapis.com", "global"),
        ({"GOOGLE_CLOUD_LOCATION": "us"}, "aiplatform.us.rep.googleapis.com", "us"),
        ({"GOOGLE_CLOUD_LOCATION": "eu"}, "aiplatform.eu.rep.googleapis.com", "eu"),
        ({"GOOGLE_CLOUD_LOCATION": "us-central1"}, "us-central1-aiplatform.googleapis.com", "us-central1"),
    ],
)
def test_vertex_addresses_follow_project_and_location(environ: dict[str, str], host: str, location: str) -> None:
    config = ProviderRegistry(VERTEX | environ).configure("vertex")
    assert config.base_url == f"https://{host}/v1/projects/my-proj/locations/{location}/publishers/google"
    assert (config.base_url_source, config.api_key) == ("environment", Secret("ya29.EXAMPLE"))


async def test_vertex_without_a_project_is_an_error() -> None:
    network = Network()
    with pytest.raises(ProviderError) as caught:
        await provider_on("vertex", {"GOOGLE_CLOUD_LOCATION": "eu"}, network).generate_unified(
            request_for("gemini-3.8-flash")
        )
    assert (caught.value.kind, network.sent) == (ErrorKind.BAD_ENDPOINT, [])
    assert caught.value.hint == "Set a base URL, or GOOGLE_CLOUD_PROJECT or VERTEX_BASE_URL."


@pytest.mark.parametrize("value", ["evil.example/", "x@evil.example", "a b", "#", "?key=1", "..", "é", "\udcff"])
def test_a_value_in_an_address_is_quoted(value: str) -> None:
    for variable in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
        url = ProviderRegistry(VERTEX | {variable: value}).configure("vertex").base_url
        assert url is not None
        assert url.partition("//")[2].partition("/")[0].endswith("aiplatform.googleapis.com")
        assert url.endswith("/publishers/google")


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [
        ({}, "https://generativelanguage.googleapis.com/v1beta"),
        ({"GOOGLE_GENAI_API_VERSION": "v1"}, "https://generativelanguage.googleapis.com/v1"),
        ({"GOOGLE_GEMINI_BASE_URL": "https://proxy.example/"}, "https://proxy.example/v1beta"),
        (
            {"GOOGLE_GEMINI_BASE_URL": "https://proxy.example/", "GOOGLE_GENAI_API_VERSION": "v1"},
            "https://proxy.example/v1",
        ),
    ],
)
def test_geminis_api_version_can_come_from_the_environment(environ: dict[str, str], base_url: str) -> None:
    assert ProviderRegistry(environ).configure("gemini").base_url == base_url


@pytest.mark.parametrize(
    ("endpoint", "version", "base_url", "protocol"),
    [
        ("https://r.openai.azure.com", "", "https://r.openai.azure.com/openai/v1", None),
        ("https://r.openai.azure.com/openai/v1/", "", "https://r.openai.azure.com/openai/v1", None),
        (
            "https://r.openai.azure.com/",
            "2024-10-21",
            "https://r.openai.azure.com/openai?api-version=2024-10-21",
            "azure_deployments",
        ),
        (
            "https://r.openai.azure.com/openai/v1/",
            "2025-01-01-preview",
            "https://r.openai.azure.com/openai?api-version=2025-01-01-preview",
            "azure_deployments",
        ),
        ("", "2024-10-21", None, None),
    ],
)
def test_azure_uses_the_deployments_api_where_a_version_is_set(
    endpoint: str, version: str, base_url: str | None, protocol: str | None
) -> None:
    environ = {"AZURE_OPENAI_ENDPOINT": endpoint, "OPENAI_API_VERSION": version}
    config = ProviderRegistry(environ).configure("azure")
    assert (config.base_url, config.protocol) == (base_url, protocol)


def test_a_given_base_url_keeps_the_usual_protocol() -> None:
    registry = ProviderRegistry(AZURE | {"OPENAI_API_VERSION": "2024-10-21"})
    config = registry.configure("azure", base_url="https://other.openai.azure.com")
    assert (config.base_url, config.protocol) == ("https://other.openai.azure.com/openai/v1", None)


async def test_the_deployments_api_can_be_set_and_quotes_the_deployment() -> None:
    network = Network((wire.FIXTURES / "azure" / "stream.sse").read_bytes())
    base_url = "https://r.openai.azure.com/openai?api-version=2024-10-21&key=hunter22"
    config = ProviderRegistry(AZURE).configure("azure", base_url=base_url)
    config = msgspec.structs.replace(config, protocol="azure_deployments")
    await HTTPProvider(provider_spec("azure"), config, network).generate_unified(request_for("a/../b?c"))
    path = "/openai/deployments/a%2F..%2Fb%3Fc/chat/completions?api-version=2024-10-21"
    assert network.sent[0].url == f"https://r.openai.azure.com{path}"
    assert network.sent[0].headers["api-key"] == "EXAMPLE"


@pytest.mark.parametrize(
    "written", ["h.example /", "http://h.example / /", "http:// h.example", "h.example :", "h.example/v1 ?x"]
)
def test_blanks_around_an_address_are_removed(written: str) -> None:
    assert normalise(written, provider_spec("vllm")).removesuffix(":8000/v1").removesuffix("/v1") == "http://h.example"
    with pytest.raises(ProviderError, match="not an http or https address"):
        normalise("http:// /v1", provider_spec("vllm"))


@pytest.mark.parametrize("written", ["][::1", "http://h][::1", "x]a[::80"])
def test_brackets_that_enclose_no_host_are_refused(written: str) -> None:
    with pytest.raises(ProviderError, match="its host or port is invalid"):
        normalise(written, provider_spec("vllm"))


VARIABLES = [
    *("AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION", "AZURE_OPENAI_AD_TOKEN", "GOOGLE_CLOUD_PROJECT"),
    *("GOOGLE_CLOUD_LOCATION", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_API_VERSION", "GOOGLE_CLOUD_QUOTA_PROJECT"),
]


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(st.characters())))
def test_any_environment_gives_a_configuration_or_a_provider_error(environ: dict[str, str]) -> None:
    for name in ("azure", "vertex", "gemini"):
        with suppress(ProviderError):
            url = from_environment(name, provider_spec(name), environ).base_url
            assert url is None or normalise(url, provider_spec(name)) == url


# Keys


@pytest.mark.parametrize(
    ("name", "variables", "header", "mark"),
    [
        ("openrouter", ["OPENROUTER_API_KEY"], "authorization", "Bearer "),
        ("huggingface", ["HF_TOKEN", "HUGGINGFACE_HUB_TOKEN"], "authorization", "Bearer "),
        ("gemini", ["GOOGLE_API_KEY", "GEMINI_API_KEY"], "x-goog-api-key", ""),
        ("ollama-cloud", ["OLLAMA_API_KEY"], "authorization", "Bearer "),
        ("lmstudio", ["LM_API_TOKEN"], "authorization", "Bearer "),
        ("vllm", ["VLLM_API_KEY"], "authorization", "Bearer "),
        ("azure", ["AZURE_OPENAI_AD_TOKEN"], "authorization", "Bearer "),
        ("azure", ["AZURE_OPENAI_API_KEY"], "api-key", ""),
        ("vertex", ["GOOGLE_OAUTH_ACCESS_TOKEN"], "authorization", "Bearer "),
    ],
)
async def test_the_first_key_found_is_sent_in_the_providers_header(
    name: str, variables: list[str], header: str, mark: str
) -> None:
    addresses = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "GOOGLE_CLOUD_PROJECT": "p"}
    network = Network()
    while variables:
        environ = addresses | {variable: f"key-of-{variable}" for variable in variables}
        with suppress(ProviderError):  # the empty answer
            await provider_on(name, environ, network).generate_unified(request_for("m"))
        sent = network.sent[-1].headers
        assert sent[header] == f"{mark}key-of-{variables.pop(0)}"
        assert len({"authorization", "api-key", "x-api-key", "x-goog-api-key"} & set(sent)) == 1


def test_azures_token_comes_before_its_key() -> None:
    config = ProviderRegistry(AZURE | {"AZURE_OPENAI_AD_TOKEN": "token"}).configure("azure")
    assert (config.api_key, config.auth) == (Secret("token"), "bearer")
    assert config.key_source == "environment: AZURE_OPENAI_AD_TOKEN"


@pytest.mark.parametrize("name", [name for name in provider_names() if not provider_spec(name).local])
async def test_without_a_key_a_hosted_provider_gets_no_request(name: str) -> None:
    network = Network()
    addresses = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "GOOGLE_CLOUD_PROJECT": "p"}
    with pytest.raises(ProviderError) as caught:
        await provider_on(name, addresses, network).generate_unified(request_for("m"))
    assert (caught.value.kind, network.sent) == (ErrorKind.AUTH, [])
    assert caught.value.hint.startswith("Set ")


@pytest.mark.parametrize("name", [name for name in provider_names() if provider_spec(name).local])
async def test_a_local_server_needs_no_key(name: str) -> None:
    network = Network()
    with suppress(ProviderError):
        await provider_on(name, {"COMPATIBLE_BASE_URL": "h:1"}, network, base_url="http://h:1/v1").generate_unified(
            request_for("m")
        )
    assert "authorization" not in network.sent[0].headers


@pytest.mark.parametrize(
    ("base_url", "key_is_sent"),
    [
        ("https://r.openai.azure.com", True),
        ("https://r.services.ai.azure.com/openai/v1", True),
        ("http://r.openai.azure.com", False),
        ("https://openai.azure.com.example", False),
        ("https://evil-openai.azure.com", False),
        ("https://gateway.example", False),
    ],
)
def test_azures_key_is_sent_to_azures_hosts_only(base_url: str, *, key_is_sent: bool) -> None:
    config = ProviderRegistry({"AZURE_OPENAI_API_KEY": "k"}).configure("azure", base_url=base_url)
    assert (config.api_key is not None) is key_is_sent


def test_googles_token_is_sent_to_google_only() -> None:
    registry = ProviderRegistry(VERTEX)
    express = "https://aiplatform.googleapis.com/v1/publishers/google"
    assert registry.configure("vertex", base_url=express).api_key is not None
    assert registry.configure("vertex", base_url="https://googleapis.com.example/v1").api_key is None


async def test_the_header_of_a_key_can_be_set() -> None:
    network = Network()
    config = ProviderConfig(name="anthropic", api_key=Secret("k"), base_url="https://gateway.example", auth="x-api-key")
    with suppress(ProviderError):
        await HTTPProvider(provider_spec("anthropic"), config, network).generate_unified(request_for("m"))
    assert (network.sent[0].headers["x-api-key"], "authorization" in network.sent[0].headers) == ("k", False)


def test_catalog_headers_are_sent_if_their_variables_are_set() -> None:
    assert ProviderRegistry({}).configure("openrouter").headers == {"x-openrouter-title": "swebench-tui"}
    assert ProviderRegistry({}).configure("vertex").headers == {}
    assert ProviderRegistry(VERTEX).configure("vertex").headers == {"x-goog-user-project": "my-proj"}
