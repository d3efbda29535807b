"""All actions with a key, collected from the `BINDINGS` of app, screens and widgets, which are the only list."""

from __future__ import annotations

import pkgutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Final

import msgspec
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys
from textual.screen import ModalScreen

from swebench_tui import tui
from swebench_tui.tui.bindings import description

APP: Final = "everywhere"
_MODIFIERS: Final = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMED_KEYS: Final = frozenset(key.value.rpartition("+")[2] for key in Keys if "<" not in key.value)
_PRINTABLE: Final = [chr(code) for code in range(0x21, 0x7F) if chr(code) != ","]  # a comma separates keys
_PUNCTUATION: Final = frozenset(
    {"space", "comma", *(key.key for key in Binding.make_bindings([(key, "", "") for key in _PRINTABLE]))}
)


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action of `screen`. `key` is written as in `settings.keymap`; several are separated by commas.

    Actions that work everywhere do not work in a `dialog`, so its own may have the same keys.
    """

    id: str
    key: str
    description: str
    screen: str
    dialog: bool = False


class KeymapProblem(msgspec.Struct, frozen=True):
    """An invalid entry of the keymap, and what to do."""

    what: str
    hint: str


@cache
def actions() -> tuple[Action, ...]:
    """Every action, by id. Imports all screens: for `swebench-tui keys` and for a keymap of the user's own."""
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        import_module(module.name)
    found = [_action(part, binding) for part, binding in bindings(DOMNode) if binding.id]
    return tuple(sorted(found, key=lambda action: (action.screen != APP, action.screen, action.id)))


def check(keymap: Mapping[str, str], known: Sequence[Action]) -> tuple[dict[str, str], list[KeymapProblem]]:
    """The valid entries of the keymap, and the problems of the others."""
    by_id = {action.id: action for action in known}
    good: dict[str, str] = {}
    problems: list[KeymapProblem] = []
    for name, keys in keymap.items():
        if name not in by_id:
            near = get_close_matches(name, by_id, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "`swebench-tui keys` lists all actions."
            problems.append(KeymapProblem(f"keymap: unknown action {name!r}", hint))
        elif wrong := [key for key in _split(keys) if not _is_key(key)]:
            hint = "Valid keys: f5, ctrl+r, shift+tab, a letter; `swebench-tui keys` shows more."
            problems.append(KeymapProblem(f"keymap: {name} is {keys!r}; {wrong[0]!r} is not a key", hint))
        else:
            good[name] = ",".join(map(_normal, _split(keys)))
    while clash := _clash(good, known):
        name, other, key = clash
        del good[name]
        hint = f"Give one of them another key, or move {other} too."
        problems.append(KeymapProblem(f"keymap: {name} and {other} both use {key}", hint))
    return good, problems


def check_keys(keymap: Mapping[str, str], action: str, keys: str) -> KeymapProblem | None:
    """Why `keys` cannot be bound to `action` in a keymap; None if they can."""
    _, problems = check({**keymap, action: keys}, actions())
    return next((problem for problem in problems if action in problem.what), None)


def _clash(keymap: Mapping[str, str], known: Sequence[Action]) -> tuple[str, str, str] | None:
    """The first remapped action that has the key of another one in the same place: both IDs, and the key."""
    taken: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for action in known:
        for key in _split(keymap.get(action.id, action.key)):
            taken[action.screen, _normal(key)].append(action.id)
    outside = {action.screen for action in known if not action.dialog}
    for name in keymap:
        action = next(one for one in known if one.id == name)
        for key in _split(keymap[name]):
            places = outside if action.screen == APP else {action.screen} if action.dialog else {APP, action.screen}
            for where in sorted(places):
                other = next((one for one in taken[where, key] if one != name), None)
                if other is not None:
                    return name, other, key
    return None


def bindings(kind: type[DOMNode]) -> Iterator[tuple[type[DOMNode], Binding]]:
    """The bindings of this program's subclasses of `kind`."""
    for part in kind.__subclasses__():
        if part.__module__.startswith("swebench_tui."):
            yield from ((part, binding) for binding in Binding.make_bindings(part.__dict__.get("BINDINGS", ())))
        yield from bindings(part)


def _action(part: type[DOMNode], binding: Binding) -> Action:
    return Action(
        id=binding.id or "",
        key=binding.key,
        description=description(part, binding),
        screen=_place(part),
        dialog=issubclass(part, ModalScreen),
    )


def _place(part: type[DOMNode]) -> str:
    name = part.__name__
    if name.endswith("App"):
        return APP
    title = name.removesuffix("Screen").removesuffix("View")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in title).strip()


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _normal(key: str) -> str:
    """The name of a key in Textual: `question_mark` for `?`."""
    return next(iter(Binding.make_bindings([(key, "", "")]))).key


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    if not _MODIFIERS.issuperset(modifiers) or not name:
        return False
    return len(name) == 1 or name in _NAMED_KEYS or name in _PUNCTUATION
