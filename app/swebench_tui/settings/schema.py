"""The JSON Schema of `settings.toml`, by which editors complete and check it while it is written."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from swebench_tui.settings.definitions import Settings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, object]:
    """What one file may hold. That a provider of one's own says whom it is `like` another file may do."""
    made = msgspec.json.schema(Settings)
    return {"$schema": DIALECT, "title": "settings.toml of swebench-tui", **_fitted(made)}


def _fitted(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Without what TOML has not, null, and closed: a misspelled key is a mistake."""
    if isinstance(part, list):
        return [_fitted(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "examples" in part or "description" in part:
        kept = {name: part[name] for name in ("description", "examples", "title") if name in part}
        return kept | _fitted({name: value for name, value in part.items() if name not in kept})
    fitted = {name: _fitted(value) for name, value in part.items() if name not in {"default", "required"}}
    if "enum" in fitted:
        fitted["enum"] = [value for value in fitted["enum"] if value is not None]
    if part.get("required"):
        fitted["required"] = part["required"]
    if "properties" in part:
        fitted["additionalProperties"] = False
    choices = [each for each in fitted.pop("anyOf", ()) if each != {"type": "null"}]
    return fitted | choices[0] if choices else fitted
