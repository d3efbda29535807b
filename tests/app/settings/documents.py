"""Settings of every kind, valid and invalid, for property tests."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from swebench_tui.settings.schema import bare, is_open, root

PROVIDERS = ("openai", "ollama", "compatible", "azure")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.one_of(
    st.sampled_from(["a", "x.y", 'q"q', "é", "a b", "-"]), st.text(st.characters(codec="utf-8"), max_size=8)
)
ANYTHING = st.one_of(
    st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.text("ab", max_size=3), st.just([]), st.just({})
)


def settings_documents() -> st.SearchStrategy[dict[str, Any]]:
    """Valid files, as they would be parsed."""
    return _strategy(root())


@st.composite
def mangled(draw: st.DrawFn, values: dict[str, Any]) -> dict[str, Any]:
    """`values` with one value somewhere replaced or added; the result may still be valid."""
    made: dict[str, Any] = copy.deepcopy(values)
    table = made
    while True:
        inside = [name for name, value in table.items() if isinstance(value, dict)]
        if not inside or draw(st.booleans()):
            break
        table = table[draw(st.sampled_from(inside))]
    name = draw(st.sampled_from([*table, "providers", "modle", "keys", "slots", "theme"]))
    table[name] = draw(ANYTHING)
    return made


def _strategy(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.StructType():
            required = {field.encode_name: _strategy(bare(field.type)) for field in kind.fields if field.required}
            optional = {field.encode_name: _strategy(bare(field.type)) for field in kind.fields if not field.required}
            return st.fixed_dictionaries(required, optional=optional)
        case inspect.DictType():
            names = NAMES if is_open(kind) else st.sampled_from(PROVIDERS)
            return st.dictionaries(names, _strategy(bare(kind.value_type)), max_size=3)
        case inspect.VarTupleType():
            return st.lists(_strategy(bare(kind.item_type)), max_size=kind.max_length or 3)
        case _:
            return _scalar(kind)


def _scalar(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(kind.ge, kind.le)
        case inspect.FloatType():
            return st.one_of(st.integers(1, 86_400), st.floats(0.001, 86_400))
        case inspect.StrType():
            return st.from_regex(kind.pattern, fullmatch=True) if kind.pattern else TEXTS
        case _:
            raise AssertionError(kind)
