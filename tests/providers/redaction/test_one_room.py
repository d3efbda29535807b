"""What a secret looks like, and what it is called, is written down in one package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from swebench_providers.redaction.key_shapes import KEY_SHAPES
from swebench_providers.redaction.secret_names import HEADERS

PROJECT = Path(__file__).parents[3]
SOURCES = [
    path
    for root in ("app/swebench_tui", "providers/swebench_providers")
    for path in (PROJECT / root).rglob("*.py")
    if not {"starter", "redaction"} & set(path.parts)
]
SECRET = re.compile(
    r"(?i)bearer|\b(?:secret|password|passwd|credentials?|api[^a-z]{0,6}key|access.?token)\b|"
    + "|".join(map(re.escape, (*HEADERS, *(shape.prefix for shape in KEY_SHAPES if len(shape.prefix) > 3))))
)


def patterns(module: ast.Module) -> Iterator[str]:
    """The texts given to the functions of `re`, literal parts of f-strings too."""
    for call in ast.walk(module):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "re" and call.args:
            texts = (part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant))
            yield "".join(text for text in texts if isinstance(text, str))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_regular_expression_elsewhere_knows_a_secret(path: Path) -> None:
    found = [pattern for pattern in patterns(ast.parse(path.read_text("utf-8"))) if SECRET.search(pattern)]
    assert found == []


@pytest.mark.parametrize(
    "pattern", [r"^bearer\s+", r"KEY|TOKEN|SECRET|PASSWORD", r"(?:sk-ant-|gsk_)\w+", r"api[_-]?key", r"x-api-key\s*:"]
)
def test_a_pattern_of_secrets_would_be_found(pattern: str) -> None:
    (found,) = patterns(ast.parse(f"import re\nX = re.compile({pattern!r}, re.IGNORECASE)"))
    assert SECRET.search(found)
