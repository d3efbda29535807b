"""Where each provider of the catalog is, and to whom it shows which key, as the environment says."""

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
def test_a_local_server_is_looked_for_where_it_usually_listens(name: str, port: int | None) -> None:
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
def test_vertex_is_asked_where_project_and_location_say(environ: dict[str, str], host: str, location: str) -> None:
    config = ProviderRegistry(VERTEX | environ).configure("vertex")
    assert config.base_url == f"https://{host}/v1/projects/my-proj/locations/{location}/publishers/google"
    assert (config.base_url_source, config.api_key) == ("environment", Secret("ya29.EXAMPLE"))


async def test_vertex_without_a_project_says_that_it_needs_one() -> None:
    network = Network()
    with pytest.raises(ProviderError) as caught:
        await provider_on("vertex", {"GOOGLE_CLOUD_LOCATION": "eu"}, network).generate_unified(
            request_for("gemini-3.8-flash")
        )
    assert (caught.value.kind, network.sent) == (ErrorKind.BAD_ENDPOINT, [])
    assert caught.value.hint == "Set a base URL, or GOOGLE_CLOUD_PROJECT or VERTEX_BASE_URL."


@pytest.mark.parametrize("value", ["evil.example/", "x@evil.example", "a b", "#", "?key=1", "..", "é", "\udcff"])
def test_a_value_in_an_address_changes_nothing_around_it(value: str) -> None:
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
def test_gemini_is_asked_in_the_version_the_environment_names(environ: dict[str, str], base_url: str) -> None:
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
def test_azure_is_asked_in_the_older_way_where_a_version_is_set(
    endpoint: str, version: str, base_url: str | None, protocol: str | None
) -> None:
    environ = {"AZURE_OPENAI_ENDPOINT": endpoint, "OPENAI_API_VERSION": version}
    config = ProviderRegistry(environ).configure("azure")
    assert (config.base_url, config.protocol) == (base_url, protocol)


def test_an_address_that_is_given_is_not_asked_in_the_way_of_the_environments() -> None:
    registry = ProviderRegistry(AZURE | {"OPENAI_API_VERSION": "2024-10-21"})
    config = registry.configure("azure", base_url="https://other.openai.azure.com")
    assert (config.base_url, config.protocol) == ("https://other.openai.azure.com/openai/v1", None)


async def test_the_older_way_of_azure_can_be_set_by_hand_and_quotes_the_deployment() -> None:
    network = Network((wire.FIXTURES / "azure" / "stream.sse").read_bytes())
    given_ = "https://r.openai.azure.com/openai?api-version=2024-10-21&key=hunter22"
    config = ProviderRegistry(AZURE).configure("azure", base_url=given_)
    config = msgspec.structs.replace(config, protocol="azure_deployments")
    await HTTPProvider(provider_spec("azure"), config, network).generate_unified(request_for("a/../b?c"))
    path = "/openai/deployments/a%2F..%2Fb%3Fc/chat/completions?api-version=2024-10-21"
    assert network.sent[0].url == f"https://r.openai.azure.com{path}"
    assert network.sent[0].headers["api-key"] == "EXAMPLE"


@pytest.mark.parametrize(
    "written", ["h.example /", "http://h.example / /", "http:// h.example", "h.example :", "h.example/v1 ?x"]
)
def test_a_blank_in_an_address_is_no_part_of_it(written: str) -> None:
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
def test_whatever_the_environment_holds_gives_a_configuration_or_our_error(environ: dict[str, str]) -> None:
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
async def test_the_key_that_is_found_first_is_shown_in_the_providers_own_way(
    name: str, variables: list[str], header: str, mark: str
) -> None:
    reach = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "GOOGLE_CLOUD_PROJECT": "p"}
    network = Network()
    while variables:
        environ = reach | {variable: f"key-of-{variable}" for variable in variables}
        with suppress(ProviderError):  # the empty answer
            await provider_on(name, environ, network).generate_unified(request_for("m"))
        sent = network.sent[-1].headers
        assert sent[header] == f"{mark}key-of-{variables.pop(0)}"
        assert len({"authorization", "api-key", "x-api-key", "x-goog-api-key"} & set(sent)) == 1


def test_azures_token_goes_before_its_key() -> None:
    config = ProviderRegistry(AZURE | {"AZURE_OPENAI_AD_TOKEN": "token"}).configure("azure")
    assert (config.api_key, config.auth) == (Secret("token"), "bearer")
    assert config.key_source == "environment: AZURE_OPENAI_AD_TOKEN"


@pytest.mark.parametrize("name", [name for name in provider_names() if not provider_spec(name).local])
async def test_without_a_key_a_hosted_provider_is_not_even_asked(name: str) -> None:
    network = Network()
    reach = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "GOOGLE_CLOUD_PROJECT": "p"}
    with pytest.raises(ProviderError) as caught:
        await provider_on(name, reach, network).generate_unified(request_for("m"))
    assert (caught.value.kind, network.sent) == (ErrorKind.AUTH, [])
    assert caught.value.hint.startswith("Set ")


@pytest.mark.parametrize("name", [name for name in provider_names() if provider_spec(name).local])
async def test_a_local_server_is_asked_without_a_key(name: str) -> None:
    network = Network()
    with suppress(ProviderError):
        await provider_on(name, {"COMPATIBLE_BASE_URL": "h:1"}, network, base_url="http://h:1/v1").generate_unified(
            request_for("m")
        )
    assert "authorization" not in network.sent[0].headers


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("https://r.openai.azure.com", True),
        ("https://r.services.ai.azure.com/openai/v1", True),
        ("http://r.openai.azure.com", False),
        ("https://openai.azure.com.example", False),
        ("https://evil-openai.azure.com", False),
        ("https://gateway.example", False),
    ],
)
def test_azures_key_goes_to_an_address_of_azures_and_to_no_other(given_: str, *, shown: bool) -> None:
    config = ProviderRegistry({"AZURE_OPENAI_API_KEY": "k"}).configure("azure", base_url=given_)
    assert (config.api_key is not None) is shown


def test_googles_token_goes_to_google_and_to_no_other() -> None:
    registry = ProviderRegistry(VERTEX)
    express = "https://aiplatform.googleapis.com/v1/publishers/google"
    assert registry.configure("vertex", base_url=express).api_key is not None
    assert registry.configure("vertex", base_url="https://googleapis.com.example/v1").api_key is None


async def test_the_style_in_which_a_key_is_shown_can_be_set() -> None:
    network = Network()
    config = ProviderConfig(name="anthropic", api_key=Secret("k"), base_url="https://gateway.example", auth="x-api-key")
    with suppress(ProviderError):
        await HTTPProvider(provider_spec("anthropic"), config, network).generate_unified(request_for("m"))
    assert (network.sent[0].headers["x-api-key"], "authorization" in network.sent[0].headers) == ("k", False)


def test_headers_of_the_catalog_are_sent_where_their_variables_are_set() -> None:
    assert ProviderRegistry({}).configure("openrouter").headers == {"x-openrouter-title": "swebench-tui"}
    assert ProviderRegistry({}).configure("vertex").headers == {}
    assert ProviderRegistry(VERTEX).configure("vertex").headers == {"x-goog-user-project": "my-proj"}
