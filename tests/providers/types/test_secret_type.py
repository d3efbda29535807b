"""`Secret` and the strategies that hold one: printing, encoding or copying them never shows the key."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ApiKeyAuth, BearerTokenAuth, NoAuth, ProviderConfig, Secret
from swebench_providers.auth import strategy
from swebench_providers.auth.strategies import AuthStrategy
from swebench_providers.types.secret import MASK
from tests.providers.dialects import KEY

SHOWN: dict[str, Callable[[Secret], str]] = {
    "str": str,
    "repr": repr,
    "f-string": lambda secret: f"{secret}",
    "f-string with conversions": lambda secret: f"{secret!r} {secret!s} {secret!a}",
    "format": format,
    "in a list": lambda secret: repr([secret, {secret: secret}]),
}


@pytest.mark.parametrize("how", SHOWN)
def test_a_secret_shows_as_dots(how: str) -> None:
    assert KEY not in SHOWN[how](Secret(KEY))
    assert "••••" in SHOWN[how](Secret(KEY))


@pytest.mark.parametrize(
    "holder", [Secret(KEY), ProviderConfig(name="openai", api_key=Secret(KEY))], ids=["it", "config"]
)
@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.to_builtins])
def test_a_secret_cannot_be_pickled_copied_or_encoded(write: Callable[[object], object], holder: object) -> None:
    with pytest.raises(TypeError) as caught:
        write(holder)
    assert KEY not in str(caught.value)


def test_secrets_are_equal_by_value_and_false_if_empty() -> None:
    assert Secret(KEY) == Secret(KEY)
    assert len({Secret(KEY), Secret(KEY), Secret("other")}) == 2
    assert Secret(KEY) != KEY
    assert Secret(KEY)
    assert not Secret("")
    assert Secret("").scrub("text") == "text"


@given(before=st.text(), after=st.text(), kept=st.integers(9, len(KEY)))
def test_scrubbing_masks_the_key_and_what_truncation_left(before: str, after: str, kept: int) -> None:
    assert KEY not in Secret(KEY).scrub(f"{before}{KEY}{after}{KEY}")
    assert KEY[:9] not in Secret(KEY).scrub(f"{before}{KEY}{after}"[: len(before) + kept])


def test_text_without_the_key_is_left_as_it_is() -> None:
    assert Secret(KEY).scrub("keys begin with sk-proj-") == "keys begin with sk-proj-"


@given(before=st.text(), after=st.text(), start=st.integers(0, len(KEY) - 16), length=st.integers(16, len(KEY)))
def test_sixteen_characters_of_the_key_in_a_row_are_masked(before: str, after: str, start: int, length: int) -> None:
    piece = KEY[start : start + length]
    scrubbed = Secret(KEY).scrub(f"{before}{piece}{after}")
    assert not any(piece[i : i + 16] in scrubbed for i in range(len(piece) - 15))


def test_what_stands_around_a_piece_of_the_key_stays() -> None:
    assert Secret(KEY).scrub(f"no such key: {KEY[:20]}... (401)") == f"no such key: {MASK}... (401)"
    assert Secret(KEY).scrub(f"{KEY[4:24]} or {KEY}, then") == f"{MASK} or {MASK}, then"


ENCODINGS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "percent": lambda text: quote(text, safe=""),
}


@pytest.mark.parametrize("how", ENCODINGS)
@pytest.mark.parametrize("around", ["{}", "u:{}", "me:{}", "you:{}:x"])
@pytest.mark.parametrize("key", [KEY, "k?>~/with+signs/that=urls?quote~~??>>"])
def test_the_key_is_masked_in_each_encoding(how: str, around: str, key: str) -> None:
    scrubbed = Secret(key).scrub(f"got {ENCODINGS[how](around.format(key))} instead")
    kept = "".join(scrubbed.removeprefix("got ").removesuffix(" instead").split(MASK))
    assert len(kept) <= len(ENCODINGS[how](around)) + 4


@pytest.mark.parametrize("auth", [BearerTokenAuth(Secret(KEY)), ApiKeyAuth(Secret(KEY), "x-api-key"), NoAuth()])
def test_an_auth_strategy_copies_the_headers_and_hides_its_key(auth: AuthStrategy) -> None:
    base = {"accept": "text/plain"}
    headers = auth.prepare_headers(base)
    assert base == {"accept": "text/plain"}
    assert headers["accept"] == "text/plain"
    assert KEY not in repr(auth)
    assert (KEY in "".join(headers.values())) is not isinstance(auth, NoAuth)


def test_a_style_without_a_key_adds_no_header() -> None:
    for style in ("bearer", "x-api-key", "api-key", "none"):
        assert strategy(style, None).prepare_headers({}) == {}
        assert strategy(style, Secret("")).prepare_headers({}) == {}
    assert strategy("none", Secret(KEY)).prepare_headers({}) == {}
    assert strategy("api-key", Secret(KEY)).prepare_headers({}) == {"api-key": KEY}
