"""What API keys look like, and masking by it where the key itself is not known."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from swebench_providers.redaction.secret_names import HEADERS, NAME_PARTS, URL_PARAMETERS
from swebench_providers.types.secret import MASK

_TAIL: Final = r"[A-Za-z0-9_.-]{12,}"
_ALPHANUMERIC: Final = r"[A-Za-z0-9]{12,}"


class KeyShape(NamedTuple):
    """How the keys of one vendor begin, and the pattern of what follows.

    `provider` is the vendor's name in the catalog, "" for keys that no provider takes; `vendor` is the name for people.
    """

    prefix: str
    vendor: str
    provider: str = ""
    tail: str = _TAIL


KEY_SHAPES: Final = (
    KeyShape("sk-ant-", "Anthropic", "anthropic"),
    KeyShape("sk-or-", "OpenRouter", "openrouter"),
    KeyShape("sk-proj-", "OpenAI", "openai"),
    KeyShape("sk-svcacct-", "OpenAI", "openai"),
    KeyShape("sk-admin-", "OpenAI", "openai"),
    KeyShape("sk-", "OpenAI", "openai"),
    KeyShape("gsk_", "Groq", "groq"),
    KeyShape("AIza", "Google", "gemini"),
    KeyShape("AQ.", "Google", "gemini"),
    KeyShape("hf_", "Hugging Face", "huggingface"),
    KeyShape("xai-", "xAI", "xai", _ALPHANUMERIC),
    KeyShape("ya29.", "Google", "vertex"),  # an OAuth access token
    KeyShape("1//0", "Google"),  # an OAuth refresh token
    KeyShape("GOCSPX-", "Google"),  # an OAuth client secret
    KeyShape("eyJ", "JSON Web Token"),
    KeyShape("nvapi-", "NVIDIA"),
    KeyShape("pplx-", "Perplexity", tail=_ALPHANUMERIC),
    KeyShape("r8_", "Replicate", tail=_ALPHANUMERIC),
    KeyShape("pk-lf-", "Langfuse"),
    KeyShape("sk_", "Stripe"),
    KeyShape("pk_", "Stripe"),
    KeyShape("rk_", "Stripe"),
    KeyShape("ghp_", "GitHub"),
    KeyShape("gho_", "GitHub"),
    KeyShape("ghs_", "GitHub"),
    KeyShape("github_pat_", "GitHub"),
    KeyShape("glpat-", "GitLab"),
    KeyShape("AKIA", "Amazon", tail=r"[A-Z0-9]{12,}"),
)
"""The one table of key shapes (wire-contracts 1.1)."""


_BY_LENGTH: Final = sorted(KEY_SHAPES, key=lambda shape: -len(shape.prefix))
_PREFIXES: Final = tuple(shape.prefix for shape in KEY_SHAPES if shape.provider)

# Patterns are compiled by `re` with their first use: starting the app needs none.
_KEY: Final = rf"(?<![A-Za-z0-9_])(?:{'|'.join(re.escape(shape.prefix) + shape.tail for shape in _BY_LENGTH)})"
_RANDOM_WORD: Final = r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}"
_NOT_IN_A_KEY: Final = r"[\s:/\\]"
_LETTERS_AND_DIGITS: Final = r"(?=\S*\d)(?=\S*[A-Za-z])\S{16,}"

_USER_INFO: Final = r"^(\w+://)?[^/?#]*@"
_UP_TO_THE_LAST_AT: Final = r"(?s)^(\w+://)?.*@"
_QUERY: Final = r"(?s)[?#].*$"

_NAMES: Final = "|".join((*HEADERS, r"x-[a-z-]*key", r"api[-_ ]?key", *(word for word in NAME_PARTS if word != "key")))
_SUSPICIOUS: Final = (
    (r"(?i)(?<=bearer )[^\s\"',;]+|(?<=basic )[A-Za-z0-9+/=]{8,}", MASK),
    (r"(?<=://)[^\s/@]+(?=@)", MASK),
    (rf"(?i)([?&](?:[a-z_-]*(?:{'|'.join(NAME_PARTS)})|{'|'.join(URL_PARAMETERS)})=)[^\s&\"']+", rf"\1{MASK}"),
    (rf"(?i)((?:{_NAMES})[\"']?\s*[:=]\s*[\"']?)(?!{MASK})[^\s\"',;]{{6,}}", rf"\1{MASK}"),
    (r"(?<![A-Za-z0-9_+=/.-])(?=[A-Za-z0-9_+=-]*\d)(?=[A-Za-z0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{28,}", MASK),
)


def mask_keys(text: str) -> str:
    """`text` with every word of a known shape masked."""
    return re.sub(_KEY, MASK, text)


def mask_suspicious(text: str) -> str:
    """`text` with everything masked that can be a secret: for reports that nobody reads before they are sent.

    Beside keys of a known shape that are credentials in headers and URLs, values behind a secret name, and words of 28
    letters and digits or more. It masks more than is secret.
    """
    text = mask_keys(text)
    for pattern, replacement in _SUSPICIOUS:
        text = re.sub(pattern, replacement, text)
    return text


def looks_like_a_key(word: str) -> bool:
    """Whether a word given as something else, such as a provider's name, is a key: it must not be shown then."""
    return word.startswith(_PREFIXES) or (not re.search(_NOT_IN_A_KEY, word) and bool(re.search(_RANDOM_WORD, word)))


def is_a_key(word: str) -> bool:
    """Whether a word has the whole shape of a vendor's key; stricter than `looks_like_a_key`."""
    return re.fullmatch(_KEY, word) is not None


def may_be_a_key(text: str) -> bool:
    """Whether a value of any kind can be a key; wrong more often than `looks_like_a_key`."""
    return text.startswith((*_PREFIXES, "Bearer ", "Basic ")) or re.search(_LETTERS_AND_DIGITS, text) is not None


def shape_of(key: str) -> KeyShape | None:
    """Of the shapes that a provider takes, the one with the longest prefix that `key` begins with."""
    return next((shape for shape in _BY_LENGTH if shape.provider and key.startswith(shape.prefix)), None)


def without_credentials(address: str, *, malformed: bool = False) -> str:
    """An address with user name and password masked, and without its query.

    In a `malformed` one everything before the last `@` is masked, wherever that stands, and the query stays.
    """
    if malformed:
        return re.sub(_UP_TO_THE_LAST_AT, rf"\1{MASK}@", address)
    return re.sub(_QUERY, "", re.sub(_USER_INFO, rf"\1{MASK}@", address))
