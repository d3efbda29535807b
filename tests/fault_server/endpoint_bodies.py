"""The bodies of the endpoints other than chat: models, version, health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "0.30.0"


def endpoint_body(path: str, models: Sequence[str]) -> bytes | None:
    """The JSON body for GET `path`, None for other paths. /v1/models suits OpenAI and Anthropic clients."""
    bodies: dict[str, object] = {
        "/v1/models": {"object": "list", "data": [_model(name) for name in models], "has_more": False},
        "/api/tags": {"models": [{"name": name, "model": name, "size": 270_000_000, "details": {}} for name in models]},
        "/api/version": {"version": VERSION},
        "/health": {"status": "ok"},
    }
    return next((msgspec.json.encode(body) for suffix, body in bodies.items() if path.endswith(suffix)), None)


def _model(name: str) -> dict[str, object]:
    openai = {"object": "model", "created": 1_760_000_000, "owned_by": "fault-server"}
    return {"id": name, **openai, "type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
