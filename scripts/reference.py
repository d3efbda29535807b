"""Writes docs/command-line.md, docs/api.md and the table of docs/settings.md from the program itself.

    uv run python scripts/reference.py

`tests/test_reference.py` fails while a page differs from what this script writes.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Final, get_args

import click
import msgspec

import swebench_providers
from swebench_tui.cli.main import main as program
from swebench_tui.settings.schema import describe_type, leaves, toml
from swebench_tui.settings.toml_positions import dotted

DOCS: Final = Path(__file__).parents[1] / "docs"
WIDTH: Final = 100
"""Columns of a help text."""

TABLE_BEGIN: Final = "<!-- written by scripts/reference.py from settings/definitions.py -->"
TABLE_END: Final = "<!-- end -->"


def command_line() -> str:
    """The page of commands: the `--help` text of each, in alphabetical order."""
    parts = [
        "# Command line",
        "The `--help` text of every command. Exit status: 0 success, 1 failure, 2 wrong usage.",
        "This page is written by `scripts/reference.py`.",
    ]
    root = click.Context(program, info_name="swebench-tui", **program.context_settings)
    parts += [f"## {context.command_path}\n\n```text\n{_help(context)}\n```" for context in _commands(root)]
    return "\n\n".join(parts) + "\n"


def _commands(context: click.Context) -> Iterator[click.Context]:
    yield context
    group = context.command
    if isinstance(group, click.Group):
        for name in sorted(group.list_commands(context)):
            command = group.get_command(context, name)
            if command is not None:
                yield from _commands(click.Context(command, info_name=name, parent=context))


def _help(context: click.Context) -> str:
    context.terminal_width = context.max_content_width = WIDTH
    formatter = context.make_formatter()
    context.command.format_help(context, formatter)
    return "\n".join(line.rstrip() for line in formatter.getvalue().strip().splitlines())


def settings() -> str:
    """The page of settings: its text as it is, and between the markers the table of all settings."""
    page = (DOCS / "settings.md").read_text("utf-8")
    before, begin, rest = page.partition(f"{TABLE_BEGIN}\n")
    _, end, after = rest.partition(TABLE_END)
    if not (begin and end):
        raise ValueError(f"docs/settings.md needs the lines {TABLE_BEGIN} and {TABLE_END}")
    rows = []
    for leaf in leaves():
        allowed = describe_type(leaf.kind) + ("; yours only" if leaf.user_only else "")
        rows.append(f"| `{dotted(leaf.path)}` | {leaf.description} | {allowed} | `{toml(leaf.example)}` |")
    table = "\n".join(["| setting | meaning | allowed | example |", "|---|---|---|---|", *rows])
    return f"{before}{begin}{table}\n{end}{after}"


def api() -> str:
    """The page of public names: what `swebench_providers` exports, each with its docstring, fields and methods."""
    parts = [
        "# Python API",
        "Every name that `swebench_providers` exports. Other modules are private, but for the ones the README names.",
        "This page is written by `scripts/reference.py`.",
    ]
    return "\n\n".join([*parts, *(entry for _, entry in entries())]) + "\n"


def entries() -> Iterator[tuple[str, str]]:
    """Each public name with its section of the page."""
    for name in sorted(swebench_providers.__all__):
        yield name, _entry(name, getattr(swebench_providers, name))


def _entry(name: str, value: object) -> str:
    parts = [f"## {name}"]
    if inspect.isclass(value):
        if not issubclass(value, enum.Enum | msgspec.Struct) and not getattr(value, "_is_protocol", False):
            parts.append(_code(f"class {name}{_signature(value.__init__)}"))
        parts += [_doc(value), _members(value), *_methods(value)]
    elif callable(value):
        parts += [_code(f"{name}{_signature(value)}"), _doc(value)]
    elif isinstance(value, UnionType):
        parts.append("One of " + ", ".join(f"`{member.__name__}`" for member in get_args(value)) + ".")
    else:
        raise TypeError(f"no section is defined for {name}, a {type(value).__name__}")
    return "\n\n".join(part for part in parts if part)


def _members(value: type) -> str:
    """The values of an enum, or the fields of a struct with their types and defaults."""
    if issubclass(value, enum.Enum):
        return "Values: " + ", ".join(f"`{member.value}`" for member in value) + "."
    if not issubclass(value, msgspec.Struct):
        return ""
    annotations = {
        name: kind for base in reversed(value.__mro__) for name, kind in inspect.get_annotations(base).items()
    }
    rows = [
        f"| `{field.name}` | `{_escaped(annotations[field.name])}` | {_default(field)} |" for field in _fields(value)
    ]
    return "\n".join(["| field | type | default |", "|---|---|---|", *rows]) if rows else ""


def _fields(value: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(value)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default is not msgspec.NODEFAULT:
        shown = field.default.value if isinstance(field.default, enum.Enum) else field.default
        return f"`{_escaped(repr(shown))}`"
    factory = field.default_factory
    return f"`{_escaped(getattr(factory, '__name__', repr(factory)))}()`"


def _methods(value: type) -> Iterator[str]:
    """Public methods and properties of the class's own, in the order of its source."""
    if issubclass(value, enum.Enum):
        return
    for name, member in vars(value).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield f"### {value.__name__}.{name}\n\n" + "\n\n".join(filter(None, [_doc(member)]))
        elif isinstance(member, staticmethod | classmethod) or inspect.isfunction(member):
            function = inspect.unwrap(getattr(value, name))
            prefix = "async " if inspect.iscoroutinefunction(function) else ""
            head = f"### {value.__name__}.{name}\n\n{_code(f'{prefix}{name}{_signature(function)}')}"
            yield "\n\n".join(filter(None, [head, _doc(function)]))


def _signature(function: object) -> str:
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]  # of any callable
    except (TypeError, ValueError):
        return "(...)"
    parameters = [parameter for name, parameter in signature.parameters.items() if name != "self"]
    returns = inspect.Signature.empty if signature.return_annotation == "None" else signature.return_annotation
    text = str(signature.replace(parameters=parameters, return_annotation=returns)).replace("'", "")
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "...", text)  # a default without a repr of its own


def _doc(value: object) -> str:
    return inspect.cleandoc(getattr(value, "__doc__", None) or "")


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _escaped(text: object) -> str:
    return str(text).replace("|", "\\|")


Generator = Callable[[], str]

PAGES: Final[Mapping[str, Generator]] = {"api.md": api, "command-line.md": command_line, "settings.md": settings}
"""The generated pages, and those with a generated part, by file name below `docs`."""


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check`, name those that differ on standard error instead. Returns the exit status."""
    if arguments != ["--check"]:
        for page, generate in PAGES.items():
            (DOCS / page).write_text(generate(), encoding="utf-8")
        return 0
    stale = [page for page, generate in PAGES.items() if (DOCS / page).read_text("utf-8") != generate()]
    sys.stderr.writelines(
        f"docs/{page} is not up to date: run `uv run python scripts/reference.py`\n" for page in stale
    )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
