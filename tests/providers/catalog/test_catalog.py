"""All files of the catalog load, strictly, and every field of them is read by code."""

from __future__ import annotations

import ast
from collections import Counter
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

import swebench_providers
from swebench_providers import CatalogError, ProviderSpec
from swebench_providers.catalog import profile_of, provider_names, provider_spec, read_spec
from swebench_providers.catalog.profiles import ModelProfile, Quirks
from swebench_providers.protocols import PROTOCOLS
from swebench_providers.servers import server_kinds

CATALOG = Path(str(files("swebench_providers.catalog")))
FAMILIES = sorted(path.stem for path in (CATALOG / "families").glob("*.toml"))
CALLED: dict[type, str] = {Quirks: "quirks", ModelProfile: "profile", ProviderSpec: "spec"}
"""How the code calls its one of each."""

SMALLEST = 'title = "T"\nprotocol = "openai_chat"\n'


def prefixes(family_file: str) -> list[str]:
    spec = msgspec.toml.decode((CATALOG / "families" / f"{family_file}.toml").read_bytes())
    return [prefix for family in spec["family"] for prefix in family["match"]]


@pytest.mark.parametrize("name", provider_names())
def test_a_providers_file_is_valid(name: str) -> None:
    spec = provider_spec(name)
    assert spec.title
    assert spec.protocol in PROTOCOLS
    assert set(spec.families) <= set(FAMILIES)
    assert bool(spec.prices_id) is (spec.price == "list")
    assert spec.base_url or spec.base_url_env or spec.addresses or spec.embedded  # the address can be learnt
    profile_of(spec, "any model")  # the family files load


def test_every_family_file_belongs_to_a_provider() -> None:
    assert {family for name in provider_names() for family in provider_spec(name).families} == set(FAMILIES)


def test_the_names_are_those_of_the_files_in_order() -> None:
    assert list(provider_names()) == sorted(path.stem for path in (CATALOG / "providers").glob("*.toml"))
    assert {"openai", "anthropic", "ollama", "compatible", "llamacpp", "embedded"} <= set(provider_names())


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('base_ulr = "x"', "base_ulr"),
        ("[quirks]\nstores = true", "stores"),
        ('auth = "cookie"', "auth"),
        ('price = "cheap"', "price"),
        ('default_port = "11434"', "default_port"),
        ('server = "vlm"', f"expected one of {', '.join(sorted(server_kinds()))} - at `$.server`"),
        ('count_endpoint = "tokens"', "count_endpoint"),
        ("slots = 0", "slots"),
        ('[quirks]\nusage_in_stream = "often"', "usage_in_stream"),
        ("base_url = x", "line 3"),
    ],
)
def test_a_mistake_in_a_file_names_file_and_key(line: str, named: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_spec(SMALLEST + line, "catalog/providers/mine.toml")
    assert str(caught.value).startswith("catalog/providers/mine.toml: ")
    assert named in str(caught.value)


def test_a_file_without_a_protocol_is_refused() -> None:
    with pytest.raises(CatalogError, match="protocol"):
        read_spec('title = "T"', "mine.toml")


def test_a_file_of_two_lines_is_a_provider() -> None:
    assert read_spec(SMALLEST, "mine.toml") == ProviderSpec(title="T", protocol="openai_chat")


@pytest.mark.parametrize("family_file", FAMILIES)
def test_no_two_families_share_a_prefix(family_file: str) -> None:
    assert [prefix for prefix, count in Counter(prefixes(family_file)).items() if count > 1] == []


@pytest.mark.parametrize("family_file", FAMILIES)
def test_prefixes_are_in_lower_case_as_they_are_compared(family_file: str) -> None:
    assert all(prefix == prefix.lower() for prefix in prefixes(family_file))


@pytest.mark.parametrize(
    ("model", "max_output"),
    [
        ("gpt-4", 8192),
        ("gpt-4-0613", 8192),
        ("gpt-4-turbo", 4096),
        ("gpt-4-1106-preview", 4096),
        ("gpt-4.5-preview", 16384),
        ("gpt-4o-mini", 16384),
        ("gpt-4olympus", None),
        ("o30", None),
        ("gpt-4.1-nano", 32768),
        ("GPT-4.1", 32768),
        ("openai/gpt-4.1", 32768),
        ("router/openai/gpt-4.1", 32768),
        ("o3", 100000),
        ("gpt-3.5-turbo", None),
        ("my-gpt-4.1", None),
        ("", None),
    ],
)
def test_the_longest_prefix_of_whole_words_is_used(model: str, max_output: int | None) -> None:
    assert profile_of(provider_spec("openai"), model).max_output == max_output


@pytest.mark.parametrize(
    ("model", "window", "max_output"),
    [
        ("claude-2.0", 100_000, 4096),
        ("claude-2.1", 200_000, 4096),
        ("claude-3-opus-20240229", 200_000, 4096),
        ("claude-3-5-sonnet-20241022", 200_000, 8192),
        ("anthropic/claude-3.5-haiku", 200_000, 8192),
        ("claude-3-7-sonnet-latest", 200_000, 64_000),
        ("claude-sonnet-4-20250514", 200_000, 64_000),
        ("claude-opus-4-1-20250805", 200_000, 32_000),
        ("claude-opus-4-5-20251101", 200_000, 64_000),
        ("claude-opus-4-8", 1_000_000, 128_000),
        ("claude-fable-5-2", 1_000_000, 128_000),
        ("anthropic/claude-opus-5.5", 1_000_000, 128_000),
        ("claude-sonnet-6", None, 128_000),
    ],
)
def test_older_models_do_not_get_limits_of_newer_ones(model: str, window: int | None, max_output: int) -> None:
    profile = profile_of(provider_spec("anthropic"), model)
    assert (profile.context_window, profile.max_output) == (window, max_output)


@pytest.mark.parametrize(
    ("name", "listed_as"), [("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google")]
)
def test_no_window_is_larger_than_the_one_in_genai_prices(name: str, listed_as: str) -> None:
    from genai_prices.data import providers

    listed = next(provider.models for provider in providers if provider.id == listed_as)
    windows = {model.id: model.context_window for model in listed if model.context_window}
    known = {model: profile_of(provider_spec(name), model).context_window for model in windows}
    rounding = 1.05  # 1,048,576 and 1,050,000 are listed as a million
    assert {model: window for model, window in known.items() if window and window > windows[model] * rounding} == {}
    assert sum(window is not None for window in known.values()) >= 10


def test_without_families_every_profile_is_empty() -> None:
    assert profile_of(provider_spec("compatible"), "gpt-4.1") == ModelProfile()


def test_limits_are_sensible() -> None:
    for name in provider_names():
        for file in provider_spec(name).families:
            for prefix in prefixes(file):
                profile = profile_of(provider_spec(name), prefix)
                if profile.context_window and profile.max_output:
                    assert 0 < profile.max_output <= profile.context_window, prefix
                if profile.default_effort:
                    assert profile.default_effort in profile.efforts, prefix


@pytest.mark.parametrize("struct", CALLED, ids=lambda struct: struct.__name__)
def test_every_field_of_a_file_is_read_by_code(struct: type[msgspec.Struct]) -> None:
    package = Path(swebench_providers.__file__).parent
    read = {
        node.attr
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).rpartition(".")[2] == CALLED[struct]
    }
    assert set(struct.__struct_fields__) <= read
