"""The field of a request that a server rejects, by its name in `UnifiedRequest` (wire-contracts 3.1)."""

from __future__ import annotations

import re
from typing import Final

_WIRE_NAMES: Final = {
    "max_tokens": "maxtokens maxcompletiontokens maxoutputtokens maxnewtokens numpredict",
    "temperature": "temperature",
    "top_p": "topp",
    "stop_sequences": "stop stopsequences",
    "seed": "seed",
    "reasoning_effort": "reasoningeffort reasoning effort think thinking thinkinglevel thinkingbudget thinkingconfig"
    " budgettokens",
    "cache_prompt": "cachecontrol",
}
_FIELD_OF: Final = {wire: field for field, names in _WIRE_NAMES.items() for wire in names.split()}
_STEPS: Final = re.compile(r"[.\[\]/]+")
_NAMED: Final = re.compile(
    r"""['"`]([\w.\[\]-]+)['"`]"""  # in quotes
    r"|^([\w.]+):"  # before the sentence
    r"|(?<![\w.-])(\w+_\w+(?:\.\w+)*|[a-z]+[A-Z]\w*|(?i:temperature|thinking|reasoning))(?![\w-])"  # or unmistakable
)


def refused_field(parameter: str, message: str) -> str:
    """The rejected field of `UnifiedRequest`; empty if it is none of them, or unknown.

    `parameter` is the server's name or path of it. If that is empty, the first field named in `message` counts.
    """
    if parameter:
        return _field_of(parameter)
    names = (match[match.lastindex or 0] for match in _NAMED.finditer(message))
    return next(filter(None, map(_field_of, names)), "")


def _field_of(path: str) -> str:
    """The first step of a path such as `generation_config.thinking_config` that is a field of `UnifiedRequest`."""
    steps = (step.replace("_", "").lower() for step in _STEPS.split(path))
    return next((_FIELD_OF[step] for step in steps if step in _FIELD_OF), "")
