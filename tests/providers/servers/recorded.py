"""The recorded probes of each kind of server, as responses and as scripts of a fault server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from swebench_providers.servers.probes import ProbeResponse
from tests.fault_server import Script, failing
from tests.providers.wire import FIXTURES, read

PROBES: Mapping[str, Any] = read(FIXTURES / "fingerprint" / "probes.json")["servers"]
KINDS = {
    "ollama": "ollama",
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llamacpp",
    "llamacpp-with-key": "llamacpp",
    "lmstudio": "lmstudio",
    "fastchat": "fastchat",
    "unknown-openai-compatible": "compatible",
    "not-an-llm-server": None,
}
UNLISTED = {path: failing(404) for path in ("/v1/models", "/api/version", "/api/tags", "/health")}
MODELS = {"object": "list", "data": [{"id": "m"}]}


def responses_of(name: str) -> dict[str, ProbeResponse]:
    return {path: ProbeResponse(probe["status"], _headers(probe), _body(probe)) for path, probe in PROBES[name].items()}


def scripts_of(name: str) -> dict[str, Script]:
    listed = {
        path: Script(status=probe["status"], body=_body(probe), headers=_headers(probe))
        for path, probe in PROBES[name].items()
    }
    return {**UNLISTED, **listed}


def _body(probe: Mapping[str, Any]) -> bytes:
    if "ref" in probe:
        return Path(FIXTURES / probe["ref"]).read_bytes()
    body = probe["body"]
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def _headers(probe: Mapping[str, Any]) -> dict[str, str]:
    return {"content-type": probe.get("content_type", "application/json"), **probe.get("headers", {})}
