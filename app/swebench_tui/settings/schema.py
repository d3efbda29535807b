"""The definitions as data: the list of settings, the JSON Schema of `settings.toml`, and the template of a new file."""

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
"""The placeholder of a provider's name in a path."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_EXAMPLE_PROVIDER: Final = "openai"
_OWN_PROVIDER: Final = "my-server"
_COLUMNS: Final = 100
_HEADER: Final = """\
# Settings of swebench-tui. Uncomment what you want to set; `swebench-tui settings show` prints the effective values.
# Keys are stored elsewhere: swebench-tui provider init NAME
# For an editor with JSON Schema support: swebench-tui settings schema > settings.schema.json
# and as the first line of this file:     #:schema ./settings.schema.json
"""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One setting."""

    path: SettingPath
    kind: inspect.Type
    description: str
    example: object

    @property
    def user_only(self) -> bool:
        """Whether a project file must not set it."""
        return not USER_ONLY.isdisjoint(self.path)

    def path_for(self, provider: str) -> SettingPath:
        """The path with a provider's name in place of `NAME`."""
        return with_name(self.path, provider)


def with_name(path: SettingPath, provider: str) -> SettingPath:
    """Replace `NAME` in a path."""
    return tuple(provider if part == NAME else part for part in path)


@cache
def root() -> inspect.StructType:
    """The type of all of `settings.toml`."""
    kind = inspect.type_info(Settings)
    assert isinstance(kind, inspect.StructType)  # noqa: S101 - for the type checker: the definitions are a struct
    return kind


def bare(kind: inspect.Type) -> inspect.Type:
    """A type without its annotation, and without None, which TOML does not have."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            (kind,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
        else:
            return kind


def annotation(kind: inspect.Type) -> Mapping[str, Any]:
    """The description and examples of a type."""
    return (kind.extra_json_schema or {}) if isinstance(kind, inspect.Metadata) else {}


def is_open(kind: inspect.Type) -> TypeGuard[inspect.DictType]:
    """Whether it is a table of strings whose keys the user chooses, such as `headers`."""
    return isinstance(kind, inspect.DictType) and not isinstance(bare(kind.value_type), inspect.StructType)


def kind_at(path: SettingPath) -> inspect.Type | None:
    """The type of the setting or table at a path, None if there is none."""
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


def leaves(kind: inspect.Type | None = None, parent: SettingPath = ()) -> Iterator[Leaf]:
    """Every setting, in the order of the definitions; a provider's with `NAME` in place of its name."""
    for field in _fields(root() if kind is None else kind):
        path, inner = (*parent, field.encode_name), bare(field.type)
        if isinstance(inner, inspect.StructType):
            yield from leaves(inner, path)
        elif isinstance(inner, inspect.DictType) and not is_open(inner):
            yield from leaves(bare(inner.value_type), (*path, NAME))
        else:
            notes = annotation(field.type)
            example = notes.get("examples", [""])[0]
            yield Leaf(path=path, kind=inner, description=notes["description"], example=example)


def describe_type(kind: inspect.Type) -> str:
    """The allowed values, as a phrase that follows "Expected"."""
    phrase = "a table of strings" if is_open(kind) else "a table"
    match kind:
        case inspect.LiteralType():
            phrase = " or ".join(f'"{value}"' for value in kind.values)
        case inspect.BoolType():
            phrase = "true or false"
        case inspect.IntType():
            phrase = f"an integer{_bounds(kind)}"
        case inspect.FloatType():
            phrase = f"a number{_bounds(kind)}"
        case inspect.StrType():
            phrase = f"a string that matches {kind.pattern}" if kind.pattern else "a string"
        case inspect.VarTupleType():
            phrase = f"an array of at most {kind.max_length}" if kind.max_length else "an array"
        case _:
            pass
    return phrase


def json_schema() -> dict[str, object]:
    """The JSON Schema of one settings file, by which editors complete and validate it.

    It does not require `like` of an added provider: another file may have it.
    """
    generated = msgspec.json.schema(Settings)
    return {"$schema": DIALECT, "title": "settings.toml of swebench-tui", **_adapted(generated)}


def template() -> str:
    """A new `settings.toml`, with every setting and its description commented out.

    It stays valid when the `#` in front of every setting and header is removed.
    """
    return _HEADER + "\n" + "\n".join(_template_lines()) + "\n"


def toml(value: object) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{dotted((name,))} = {toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return msgspec.json.encode(value).decode()


def _fields(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge:,} to {kind.le:,}"
    limits = (("above", kind.gt), ("at least", kind.ge), ("below", kind.lt), ("at most", kind.le))
    return "".join(f", {name} {limit:,}" for name, limit in limits if limit is not None).replace(",", "", 1)


def _adapted(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """A part of the schema without null, which TOML does not have, and closed, so that an unknown key is an error."""
    if isinstance(part, list):
        return [_adapted(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "examples" in part or "description" in part:
        kept = {name: part[name] for name in ("description", "examples", "title") if name in part}
        return kept | _adapted({name: value for name, value in part.items() if name not in kept})
    adapted = {name: _adapted(value) for name, value in part.items() if name not in {"default", "required"}}
    if "enum" in adapted:
        adapted["enum"] = [value for value in adapted["enum"] if value is not None]
    if part.get("required"):
        adapted["required"] = part["required"]
    if "properties" in part:
        adapted["additionalProperties"] = False
    choices = [each for each in adapted.pop("anyOf", ()) if each != {"type": "null"}]
    return adapted | choices[0] if choices else adapted


def _template_lines() -> Iterator[str]:
    settings = sorted(leaves(), key=lambda leaf: len(leaf.path) > 1 or isinstance(leaf.example, dict))
    table: SettingPath | None = ()
    for leaf in settings:
        if leaf.path[-1] == "like":
            continue  # it belongs to an added provider, below
        path = leaf.path_for(_EXAMPLE_PROVIDER)
        parent = path if isinstance(leaf.example, dict) and len(path) == 1 else path[:-1]
        if parent != table:
            yield from ("", f"#[{dotted(parent)}]")
            table = parent
        yield from _template_entry(leaf, in_table=parent == path)
    like = next(leaf for leaf in leaves() if leaf.path[-1] == "like")
    yield from ("", f"#[providers.{_OWN_PROVIDER}]", *_template_entry(like, in_table=False))
    yield '#base_url = "http://127.0.0.1:9000/v1"'


def _template_entry(leaf: Leaf, *, in_table: bool) -> Iterator[str]:
    """Description and example; `in_table` writes the entries of a table that has a header."""
    yield from wrap(leaf.description, _COLUMNS, initial_indent="# ", subsequent_indent="# ")
    if in_table and isinstance(leaf.example, dict):
        yield from (f"#{dotted((name,))} = {toml(value)}" for name, value in leaf.example.items())
    else:
        yield f"#{leaf.path[-1]} = {toml(leaf.example)}"
