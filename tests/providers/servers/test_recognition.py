"""Local servers are recognised by their responses, and imitations are not mistaken for the original."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.servers import server_kinds
from swebench_providers.servers.probes import ProbeResponse
from swebench_providers.servers.recognition import COMPATIBLE, recognise
from tests.providers.servers.recorded import KINDS, MODELS, PROBES, responses_of


def ok(**bodies: object) -> dict[str, ProbeResponse]:
    """Responses of status 200 by path, `__` for each slash."""
    return {
        path.replace("__", "/"): ProbeResponse(200, {}, body if isinstance(body, bytes) else msgspec.json.encode(body))
        for path, body in bodies.items()
    }


def test_every_recorded_server_is_tested() -> None:
    assert KINDS.keys() == PROBES.keys()


@pytest.mark.parametrize("name", KINDS)
def test_each_server_is_recognised_by_its_responses(name: str) -> None:
    assert recognise(responses_of(name)) == KINDS[name]


BY_ONE_RULE = {
    "a user's name as the owner, and Ollama's greeting": (
        ok(__v1__models={"data": [{"owned_by": "me"}]}, __=b"Ollama is running", __api__version={"version": "1"}),
        "ollama",
    ),
    "the greeting without a version": (ok(__=b"Ollama is running"), None),
    "the greeting inside a page": (
        ok(__=b"<p>Ollama is running</p>", __api__version={"version": "1"}),
        None,
    ),
    "a version at Ollama's path alone": (
        ok(__v1__models=MODELS, __api__version={"version": "1"}),
        "compatible",
    ),
    "loaded instances": (
        ok(__v1__models=MODELS, __api__v1__models={"models": [{"loaded_instances": []}]}),
        "lmstudio",
    ),
    "states of models": (
        ok(__v1__models=MODELS, __api__v0__models={"data": [{"id": "m", "state": "not-loaded"}]}),
        "lmstudio",
    ),
    "llama.cpp's properties": (
        ok(__v1__models=MODELS, __props={"default_generation_settings": {}, "build_info": "b1"}),
        "llamacpp",
    ),
    "properties of something else": (
        ok(__v1__models=MODELS, __props={"default_generation_settings": {}}),
        "compatible",
    ),
    "llama.cpp's name, while it loads the model": (
        {
            "/v1/models": ProbeResponse(
                503, {"server": "llama.cpp"}, b'{"error":{"code":503,"message":"Loading model"}}'
            )
        },
        "llamacpp",
    ),
    "a version and a ping": (
        ok(__v1__models=MODELS, __version={"version": "0.25"}, __ping=b""),
        "vllm",
    ),
    "a version and a ping of a service without models": (ok(__version={"version": "0.25"}, __ping=b"pong"), None),
    "a version and a ping before a locked list": (
        {
            **ok(__version={"version": "0.25"}, __ping=b""),
            "/v1/models": ProbeResponse(401, {}, b'{"error":"Unauthorized"}'),
        },
        "vllm",
    ),
    "permissions and a length": (
        ok(__v1__models={"data": [{"id": "m", "permission": [], "max_model_len": 2048}]}),
        "vllm",
    ),
    "a model path": (ok(__v1__models=MODELS, __get_model_info={"model_path": "q"}), "sglang"),
    "a model path at the newer place": (
        ok(__v1__models=MODELS, __server_info={"model_path": "q"}),
        "sglang",
    ),
    "FastChat's paths": (
        ok(__v1__models={"data": []}, **{"__openapi.json": {"paths": {"/api/v1/token_check": {}}}}),
        "fastchat",
    ),
    "vLLM's paths": (
        ok(__v1__models=MODELS, **{"__openapi.json": {"paths": {"/tokenize": {}, "/invocations": {}}}}),
        "vllm",
    ),
    "SGLang's paths": (
        ok(__v1__models=MODELS, **{"__openapi.json": {"paths": {"/tokenize": {}, "/get_model_info": {}}}}),
        "sglang",
    ),
    "paths of another service": (
        ok(__v1__models=MODELS, **{"__openapi.json": {"paths": {"/tokenize": {}}}}),
        "compatible",
    ),
    "a locked list": ({"/v1/models": ProbeResponse(403, {}, b'{"error":{"code":"no_key"}}')}, "compatible"),
    "llama.cpp's refusal without its health": (
        {"/v1/models": ProbeResponse(401, {}, b'{"error":{"code":401,"type":"authentication_error"}}')},
        "compatible",
    ),
    "a login page": ({"/v1/models": ProbeResponse(401, {}, b"<html>Sign in</html>")}, None),
    "a wall that says nothing": ({"/v1/models": ProbeResponse(403, {"server": "AirTunes"}, b"")}, None),
    "a list that is none": (ok(__v1__models={"data": "none"}), None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("what", BY_ONE_RULE)
def test_each_rule_decides_by_the_body(what: str) -> None:
    responses, kind = BY_ONE_RULE[what]
    assert recognise(responses) == kind


@pytest.mark.parametrize("name", ["vllm", "sglang", "llamacpp", "fastchat", "lmstudio"])
def test_a_server_that_also_imitates_ollama_is_still_itself(name: str) -> None:
    assert recognise({**responses_of("ollama"), **responses_of(name)}) == KINDS[name]


def test_status_200_on_every_path_decides_nothing() -> None:
    paths = "/ /api/version /api/v0/models /props /version /ping /get_model_info /server_info /health /openapi.json"
    anything = dict.fromkeys(paths.split(), ProbeResponse(200, {}, b'{"error":"Unexpected endpoint or method."}'))
    assert recognise({**anything, **responses_of("lmstudio")}) == "lmstudio"
    assert recognise({**anything, **responses_of("unknown-openai-compatible")}) == "compatible"
    assert recognise(anything) is None


NAMES = (
    "data models owned_by version build_info default_generation_settings loaded_instances state model_path paths error"
    " code type status permission max_model_len"
)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_fields = st.sampled_from(NAMES.split())
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_fields, inner, max_size=4), max_leaves=8
)
_bodies = st.binary(max_size=40) | _json.map(lambda value: msgspec.json.encode(value, enc_hook=str))
_paths = st.sampled_from(sorted({path for probes in PROBES.values() for path in probes} | {"/props", "/ping"}))


@given(st.dictionaries(_paths, st.builds(ProbeResponse, st.sampled_from([200, 401, 404, 500]), st.just({}), _bodies)))
def test_any_responses_give_a_known_kind_or_none(responses: dict[str, ProbeResponse]) -> None:
    assert recognise(responses) in {None, COMPATIBLE, *server_kinds()}
