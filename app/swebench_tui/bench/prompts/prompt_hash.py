"""The hash of a prompt, which goes into every record."""

from __future__ import annotations

import json
from hashlib import sha256


def prompt_hash(system: str | None, user: str) -> str:
    """The SHA-256, in hex, of `json.dumps([system, user])`: the same for the same messages on every machine."""
    return sha256(json.dumps([system, user]).encode()).hexdigest()
