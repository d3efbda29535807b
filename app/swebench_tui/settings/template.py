"""`settings.toml` as it is begun: every setting with its meaning, each behind a `#` until it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

import msgspec

from swebench_tui.settings.fields import NAME, Leaf, leaves
from swebench_tui.settings.paths_in_files import SettingPath, dotted

_EXAMPLE_PROVIDER: Final = "openai"
_OWN_PROVIDER: Final = "my-server"
_COLUMNS: Final = 100
_HEAD: Final = """\
# Settings of swebench-tui. Take the # away from what you want to set; `swebench-tui settings show` says what holds.
# Keys are kept elsewhere: swebench-tui provider init NAME
# For an editor that knows JSON Schema: swebench-tui settings schema > settings.schema.json
# and as the first line here:           #:schema ./settings.schema.json
"""


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
