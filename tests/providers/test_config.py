"""Base URLs as users write them, and the configuration that the environment gives each provider."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ErrorKind, ProviderError, Secret, UnifiedRequest
from swebench_providers.catalog import provider_names, provider_spec
from swebench_providers.config import from_environment, normalise
from swebench_providers.http.transport import Transport
from swebench_providers.protocols import PROTOCOLS
from swebench_providers.provider import HTTPProvider
from tests.providers.dialects import REQUEST, error_of, provider_at

OLLAMA, LLAMACPP, ANTHROPIC = (provider_spec(name) for name in ("ollama", "llamacpp", "anthropic"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("example.org", "http://example.org:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("example.org:8080", "http://example.org:8080"),
        ("http://example.org", "http://example.org"),  # a URL without a port means the scheme's own
        ("https://example.org", "https://example.org"),
        ("https://example.org:8443/ollama/", "https://example.org:8443/ollama"),
        ("HTTP://Example.Org:8080", "http://Example.Org:8080"),
        ("0.0.0.0", "http://0.0.0.0:11434"),  # noqa: S104 - what servers are told to listen on
        ("127.0.0.1:56789/", "http://127.0.0.1:56789"),
        ("example.org/ollama", "http://example.org:11434/ollama"),
        ("[::1]", "http://[::1]:11434"),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("http://[::1]/", "http://[::1]"),
        ("  :8080\n", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost:11434"),
        ("localhost:", "http://localhost:11434"),
        (":", "http://127.0.0.1:11434"),
    ],
)
def test_an_ollama_host_is_read_as_ollama_reads_it(written: str, meant: str) -> None:
    assert normalise(written, OLLAMA) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1:9931", "http://127.0.0.1:9931/v1"),
        ("http://127.0.0.1:9931", "http://127.0.0.1:9931/v1"),
        ("http://127.0.0.1:9931/v1/", "http://127.0.0.1:9931/v1"),
        ("http://127.0.0.1:9931/other/prefix", "http://127.0.0.1:9931/other/prefix"),
    ],
)
def test_an_address_without_a_path_gets_the_default_path(written: str, meant: str) -> None:
    assert normalise(written, LLAMACPP) == meant
    assert normalise("https://gateway.example", ANTHROPIC) == "https://gateway.example"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "http://",
        "ftp://example.org",
        "file:///etc/passwd",
        "http://[::1",
        "::1",
        "h:port",
        "h:99999",
        "h:-1",
        "no address",
        "http://h o/v1",
        "http://a\u2028b",
        "http://{host}/v1",
        "http://<your-server>:8000",
    ],
)
def test_an_invalid_address_is_refused_with_a_hint(written: str) -> None:
    with pytest.raises(ProviderError, match="invalid base URL") as caught:
        normalise(written, OLLAMA)
    assert caught.value.kind is ErrorKind.BAD_ENDPOINT
    assert "http://HOST:PORT" in caught.value.hint


@pytest.mark.parametrize(
    "written",
    [
        "http://user:hunter22@example.org",
        "http://user:hunter22@example.org:99999",
        "http://:hunter22@example.org",
        "http://hunter22@example.org/v1",
        "user:hunter22@example.org",
        "ftp://user:hunter22@example.org",
        "http://user:hunt@hunter22@example.org",
        "http://user:p/hunter22@example.org",
        "http://user:hunter22@",
        "http://user:hunter22@[::1",
        "http://user:hun\nter22@exa mple",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_shown(written: str) -> None:
    with pytest.raises(ProviderError) as caught:
        normalise(written, OLLAMA)
    text = f"{caught.value} {caught.value!r} {caught.value.hint}"
    assert "hunter22" not in text.replace("\n", "")
    assert "••••@" in text


addresses = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["http", "https", "://", "//", ":", "/", "@", "[", "]", "::1", "%", "a.b", "80", "?", "#", " "])
        | st.text(max_size=3)
    ).map("".join),
)


PUBLIC, NEAR = "api.example.com", "127.0.0.1"
SCHEMES = [
    *((name, PUBLIC, "https") for name in ("openai", "anthropic", "openrouter", "gemini", "compatible", "llamacpp")),
    ("openai", f"{PUBLIC}:8443/v1", "https"),
    ("openai", "203.0.113.9", "http"),  # an address for documents, in no internet
    ("openai", "8.8.8.8:8000", "https"),
    ("openai", "[2606:4700::1111]", "https"),
    *(
        ("openai", near, "http")
        for near in (NEAR, "localhost:4000", "[::1]:4000", "10.1.2.3", "192.168.1.9:80", "172.16.0.1", "169.254.1.1")
    ),
    *(
        ("openai", near, "http")
        for near in ("gpubox", "gpubox:8000", "box.local", "llm.internal", "host.docker.internal")
    ),
    ("openai", "100.64.0.7:8000", "http"),  # a private network over the internet, as of Tailscale
    ("openai", f"{NEAR}:443", "https"),
    ("compatible", f"{PUBLIC}/v1", "https"),
    ("compatible", f"{PUBLIC}:8000", "http"),  # no server on the internet has a port like that, but many a local one
    ("compatible", f"{PUBLIC}:443/v1", "https"),
    ("compatible", "gpubox", "http"),
    ("vllm", PUBLIC, "http"),
    ("ollama", f"{PUBLIC}:443", "https"),
]


@pytest.mark.parametrize(("name", "written", "scheme"), SCHEMES)
def test_an_address_without_scheme_is_http_on_private_networks(name: str, written: str, scheme: str) -> None:
    spec = provider_spec(name)
    assert normalise(written, spec).partition(":")[0] == scheme
    for named in ("http", "https"):
        assert normalise(f"{named}://{written}", spec).partition(":")[0] == named


def test_a_key_does_not_follow_its_own_host_onto_http() -> None:
    environ = {"OPENAI_API_KEY": "k"}
    spec = provider_spec("openai")
    assert from_environment("openai", spec, environ, base_url="api.openai.com").api_key == Secret("k")
    assert from_environment("openai", spec, environ, base_url="http://api.openai.com").api_key is None


@given(addresses, st.sampled_from(provider_names()))
def test_any_text_is_an_address_or_refused(text: str, name: str) -> None:
    spec = provider_spec(name)
    url = ""
    with suppress(ProviderError):
        url = normalise(text, spec)
    if url:
        assert url.startswith(("http://", "https://"))
        assert not url.endswith("/")
        assert normalise(url, spec) == url


@pytest.mark.parametrize(
    "address", ["http://a\x00b", "http://xn--", "http://a..b", "http://a\u200bb", f"http://{'a' * 300}"]
)
async def test_an_address_no_client_accepts_is_an_error(transport: Transport, address: str) -> None:
    error = await error_of(provider_at(normalise(address, LLAMACPP), "compatible", transport))
    assert error.kind is ErrorKind.BAD_ENDPOINT
    assert "Check the base URL" in error.hint


@given(st.dictionaries(st.sampled_from(["OLLAMA_HOST", "OPENAI_BASE_URL", "OPENAI_API_KEY"]), st.text()))
def test_any_environment_gives_a_configuration_or_a_provider_error(environ: dict[str, str]) -> None:
    for name in ("ollama", "openai"):
        with suppress(ProviderError):
            config = from_environment(name, provider_spec(name), environ)
            assert config.api_key is None or config.api_key.reveal().strip()


def test_the_first_variable_that_is_not_blank_is_used() -> None:
    both = {"ANTHROPIC_API_KEY": "  ", "ANTHROPIC_AUTH_TOKEN": "token"}
    config = from_environment("anthropic", ANTHROPIC, both)
    assert (config.api_key, config.key_source) == (Secret("token"), "environment: ANTHROPIC_AUTH_TOKEN")
    first = from_environment("anthropic", ANTHROPIC, both | {"ANTHROPIC_API_KEY": "key"})
    assert (first.api_key, first.key_source) == (Secret("key"), "environment: ANTHROPIC_API_KEY")


def test_the_base_url_is_the_callers_environments_or_catalogs() -> None:
    environ = {"ANTHROPIC_BASE_URL": "https://gateway.example/"}
    sources = [
        from_environment("anthropic", ANTHROPIC, {}),
        from_environment("anthropic", ANTHROPIC, environ),
        from_environment("anthropic", ANTHROPIC, environ, base_url="here.example"),
    ]
    assert [(config.base_url, config.base_url_source) for config in sources] == [
        ("https://api.anthropic.com", "catalog"),
        ("https://gateway.example", "environment"),
        ("https://here.example", "given"),
    ]


def test_a_key_is_bound_to_scheme_host_and_port() -> None:
    for base_url in (
        "http://api.anthropic.com",
        "https://api.anthropic.com:8443",
        "https://api.anthropic.com.evil.example",
    ):
        assert from_environment("anthropic", ANTHROPIC, {"ANTHROPIC_API_KEY": "k"}, base_url=base_url).api_key is None
    own = from_environment("anthropic", ANTHROPIC, {"ANTHROPIC_API_KEY": "k"}, base_url="https://api.anthropic.com/v1")
    assert own.api_key is not None


def test_a_provider_without_vendor_sends_its_key_anywhere() -> None:
    config = from_environment("compatible", provider_spec("compatible"), {"COMPATIBLE_API_KEY": "k"}, base_url="h:1")
    assert (config.api_key, config.base_url) == (Secret("k"), "http://h:1/v1")


async def test_a_missing_base_url_is_an_error_with_its_variable(transport: Transport) -> None:
    spec = provider_spec("compatible")
    provider = HTTPProvider(spec, from_environment("compatible", spec, {}), transport)
    error = await error_of(provider)
    assert (error.kind, error.hint) == (ErrorKind.BAD_ENDPOINT, "Set a base URL, or COMPATIBLE_BASE_URL.")
    listing = await error_of(provider, UnifiedRequest(prompt="which model?"))
    assert listing.kind is ErrorKind.BAD_ENDPOINT


async def test_an_unknown_protocol_is_refused(transport: Transport) -> None:
    with pytest.raises(ProviderError, match="unknown protocol 'soap'") as caught:
        provider_at("http://127.0.0.1:1", "compatible", transport, protocol="soap")
    assert all(name in caught.value.hint for name in PROTOCOLS)
    provider = provider_at("http://127.0.0.1:1", "compatible", transport, protocol="ollama_chat")
    assert (await error_of(provider, REQUEST)).kind is ErrorKind.TRANSIENT
