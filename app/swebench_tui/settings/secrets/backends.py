"""Which keyrings are fit to hold a key: those that keep it from others, and that ask nothing on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

NONE: Final = "there is no system keyring here"

_NO_KEYRING: Final = frozenset({"keyring.backends.fail", "keyring.backends.null"})
_CHAIN: Final = "keyring.backends.chainer"
_ON_THE_TERMINAL: Final = ("keyrings.alt", "keyrings.cryptfile", "sagecipher")


class Fit(msgspec.Struct, frozen=True):
    """The backends that may be used, in the order in which they are asked; `problem` says why there is none."""

    name: str
    backends: tuple[KeyringBackend, ...]
    problem: str = ""


def fit(chosen: KeyringBackend) -> Fit:
    """`chosen` is what the package `keyring` found. A chain is looked into: it may end in a file of plain text."""
    name = _name(chosen)
    if type(chosen).__module__ != _CHAIN:
        problem = _problem(chosen)
        return Fit(name, () if problem else (chosen,), problem)
    links: Iterable[KeyringBackend] = chosen.backends  # type: ignore[attr-defined]  # of a chain alone
    within = tuple(links)
    usable = tuple(link for link in within if not _problem(link))
    problems = dict.fromkeys(filter(None, map(_problem, within)))
    return Fit(", ".join(map(_name, usable)) or name, usable, "" if usable else "; ".join(problems) or NONE)


def _problem(backend: KeyringBackend) -> str:
    """Why a key is not given to this backend; "" where nothing speaks against it."""
    module, kind = type(backend).__module__, type(backend).__name__
    if module in _NO_KEYRING:
        return NONE
    if "plain" in kind.lower() or "uncrypted" in kind.lower():
        return f"{_name(backend)} writes keys as plain text"
    if module.startswith(_ON_THE_TERMINAL):
        return f"{_name(backend)} asks for a password on the terminal"
    return ""


def _name(backend: KeyringBackend) -> str:
    """`SecretService Keyring`, without its priority, which may ask the bus."""
    return "none" if type(backend).__module__ in _NO_KEYRING else str(type(backend).name)
