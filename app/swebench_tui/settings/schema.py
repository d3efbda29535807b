"""The definitions as data: the fields, the JSON Schema of `settings.toml`, and the template of a new file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import wrap
from typing import Any, Final, TypeGuard

import msgspec
from msgspec import inspect

from swebench_tui.settings.definitions import USER_ONLY, Settings
from swebench_tui.settings.toml_positions import SettingPath, dotted

NAME: Final = "NAME"
"""Stands in a path for a provider's name."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_EXAMPLE_PROVIDER: Final = "openai"

_OWN_PROVIDER: Final = "my-server"

_COLUMNS: Final = 100

_HEAD: Final = """\
# Settings of swebench-tui. Take the # away from what you want to set; `swebench-tui settings show` says what holds.
# Keys are kept elsewhere: swebench-tui provider init NAME
# For an editor that knows JSON Schema: swebench-tui settings schema > settings.schema.json
# and as the first line here:           #:schema ./settings.schema.json
"""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `default` is what holds where nobody sets it; None and empty are no value."""

    path: SettingPath
    kind: inspect.Type
    description: str
    example: object
    default: object

    @property
    def user_only(self) -> bool:
        """Whether a project file must not set it."""
        return not USER_ONLY.isdisjoint(self.path)


@cache
def root() -> inspect.StructType:
    """All of `settings.toml`."""
    kind = inspect.type_info(Settings)
    assert isinstance(kind, inspect.StructType)  # noqa: S101 - for the type checker: the definitions are a struct
    return kind


def bare(kind: inspect.Type) -> inspect.Type:
    """A type without what is told about it, and without None, which TOML has not."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            (kind,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
        else:
            return kind


def told(kind: inspect.Type) -> Mapping[str, Any]:
    """Description and examples."""
    return (kind.extra_json_schema or {}) if isinstance(kind, inspect.Metadata) else {}


def is_open(kind: inspect.Type) -> TypeGuard[inspect.DictType]:
    """Whether it is a table whose keys the user chooses, with a text for each."""
    return isinstance(kind, inspect.DictType) and not isinstance(bare(kind.value_type), inspect.StructType)


def kind_at(path: SettingPath) -> inspect.Type | None:
    """What may stand there; None where nothing may."""
    kind: inspect.Type = root()
    for name in path:
        field = next((each for each in _fields(kind) if each.encode_name == name), None)
        if field is not None:
            kind = bare(field.type)
        elif isinstance(kind, inspect.DictType):
            kind = bare(kind.value_type)
        else:
            return None
    return kind


def leaves(kind: inspect.Type | None = None, at: SettingPath = ()) -> Iterator[Leaf]:
    """Every setting, in the order of the definitions; a provider's with `NAME` in the place of its name."""
    for field in _fields(root() if kind is None else kind):
        path, inner = (*at, field.encode_name), bare(field.type)
        if isinstance(inner, inspect.StructType):
            yield from leaves(inner, path)
        elif isinstance(inner, inspect.DictType) and not is_open(inner):
            yield from leaves(bare(inner.value_type), (*path, NAME))
        else:
            about = told(field.type)
            default = field.default if field.default is not msgspec.NODEFAULT else None
            example = about.get("examples", [""])[0]
            yield Leaf(path=path, kind=inner, description=about["description"], example=example, default=default)


def in_words(kind: inspect.Type) -> str:
    """What is allowed, to stand after "It is"."""
    words = "a table of texts" if is_open(kind) else "a table"
    match kind:
        case inspect.LiteralType():
            words = " or ".join(f'"{value}"' for value in kind.values)
        case inspect.IntType():
            words = f"a whole number{_bounds(kind)}"
        case inspect.FloatType():
            words = f"a number{_bounds(kind)}"
        case inspect.StrType():
            words = f"text that matches {kind.pattern}" if kind.pattern else "text, in quotes"
        case inspect.VarTupleType():
            words = f"an array{f' of {kind.max_length} at most' if kind.max_length else ''}, in brackets"
        case _:
            pass
    return words


def _fields(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    """Its bounds; those of the definitions are `gt` or `ge` with `le`."""
    if kind.ge is not None:
        return f" from {kind.ge:,} to {kind.le:,}"
    return f" above {kind.gt:,} and up to {kind.le:,}"


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


def template() -> str:
    """A file that sets nothing. Without the `#` in front of keys and headers all of it may stand there."""
    return _HEAD + "\n" + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    known = sorted(leaves(), key=lambda leaf: len(leaf.path) > 1 or isinstance(leaf.example, dict))
    table: SettingPath | None = ()
    for leaf in known:
        if leaf.path[-1] == "like":
            continue  # its place is a provider of one's own, below
        around = _real(leaf.path if isinstance(leaf.example, dict) and len(leaf.path) == 1 else leaf.path[:-1])
        if around != table:
            yield from ("", f"#[{dotted(around)}]")
            table = around
        yield from _about(leaf, in_table=around == _real(leaf.path))
    like = next(leaf for leaf in leaves() if leaf.path[-1] == "like")
    yield from ("", f"#[providers.{_OWN_PROVIDER}]", *_about(like, in_table=False))
    yield '#base_url = "http://127.0.0.1:9000/v1"'


def _about(leaf: Leaf, *, in_table: bool) -> Iterator[str]:
    """Description and example; of a table that has a header, its lines."""
    yield from wrap(leaf.description, _COLUMNS, initial_indent="# ", subsequent_indent="# ")
    if in_table and isinstance(leaf.example, dict):
        yield from (f"#{_key(name)} = {toml(value)}" for name, value in leaf.example.items())
    else:
        yield f"#{leaf.path[-1]} = {toml(leaf.example)}"


def toml(value: object) -> str:
    """An example on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return msgspec.json.encode(value).decode()


def _real(path: SettingPath) -> SettingPath:
    return tuple(_EXAMPLE_PROVIDER if name == NAME else name for name in path)


def _key(name: str) -> str:
    return dotted((name,))
