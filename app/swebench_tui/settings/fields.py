"""The definitions as data, by which files are checked and texts about settings are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeGuard

import msgspec
from msgspec import inspect

from swebench_tui.settings.definitions import USER_ONLY, Settings
from swebench_tui.settings.paths_in_files import SettingPath

NAME: Final = "NAME"
"""Stands in a path for a provider's name."""


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
