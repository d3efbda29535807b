"""Keys in the system keyring.

The package `keyring` is imported, and the keyring found, with the first question; each question has 3 seconds. Errors
of a backend come back as text: their frames hold the key, and a traceback would show it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets.store import ELSEWHERE, SERVICE, Backend
from swebench_tui.settings.secrets.timeout import Impatient, NoAnswerError
from swebench_tui.terminal_text import one_line

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

LIMIT: Final = 3.0
"""Seconds. A locked keyring asks the user where there is a display, and waits for that without an end."""

NONE: Final = "there is no system keyring here"

_NO_KEYRING: Final = frozenset({"keyring.backends.fail", "keyring.backends.null"})
_CHAIN: Final = "keyring.backends.chainer"
_ON_THE_TERMINAL: Final = ("keyrings.alt", "keyrings.cryptfile", "sagecipher")
_NO_NAME: Final = "none"
_PROBE: Final = "probe"
_LONGEST: Final = 200
_PAST: Final = {"read": "read", "keep": "kept", "remove": "removed"}


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


class _Refused(msgspec.Struct, frozen=True):
    """What a backend said instead of an answer, or why none was asked."""

    words: str


_Answer = Secret | _Refused | None


def find() -> KeyringBackend:
    """The keyring that the user, or else the machine, prefers. Blocks, and may raise whatever a backend does."""
    logging.getLogger("keyring").addHandler(logging.NullHandler())  # else what it logs lands on the screen
    import keyring  # noqa: PLC0415 - most commands need no key

    return keyring.get_keyring()


class KeyringStore:
    """May be used from any thread. `find_keyring` and `limit` (seconds) are there for tests to choose."""

    def __init__(self, find_keyring: Callable[[], KeyringBackend] = find, *, limit: float = LIMIT) -> None:
        self._find = find_keyring
        self._patient: Impatient[_Answer] = Impatient(limit)
        self._fit: Fit | None = None

    def probe(self) -> Backend:
        """The keyring's name, and whether it answers. A key that is not there is looked up to see it."""
        try:
            answer = self._patient.ask(self._reading(_PROBE))
        except NoAnswerError:
            return Backend(name=self._name, problem=self._silence)
        return Backend(name=self._name, problem=answer.words if isinstance(answer, _Refused) else "")

    def read(self, provider: str, label: str) -> Secret | None:
        answer = self._ask("read", provider, label, self._reading(_user(provider, label)))
        return answer if isinstance(answer, Secret) else None

    def keep(self, provider: str, label: str, key: Secret) -> None:
        user = _user(provider, label)
        self._ask("keep", provider, label, self._told(lambda fitting: _keep(fitting, user, key), key))

    def remove(self, provider: str, label: str) -> None:
        user = _user(provider, label)
        self._ask("remove", provider, label, self._told(lambda fitting: _remove(fitting, user)))

    @property
    def _name(self) -> str:
        return self._fit.name if self._fit else _NO_NAME

    @property
    def _silence(self) -> str:
        return f"it did not answer within {self._patient.limit:g} s; it may be waiting to be unlocked"

    def _ask(self, verb: str, provider: str, label: str, question: Callable[[], _Answer]) -> _Answer:
        what = f"the key {label!r} of {provider} could not be {_PAST[verb]}"
        try:
            answer = self._patient.ask(question)
        except NoAnswerError:
            answer = _Refused(self._silence)
        if isinstance(answer, _Refused):
            elsewhere = f"or keep the key elsewhere: swebench-tui provider init {provider} --keep-in file"
            hint = ELSEWHERE if verb == "keep" else f"Unlock the keyring and try again, {elsewhere}"
            raise KeyStoreError(f"{what} ({self._name}): {answer.words}", hint=hint)
        return answer

    def _reading(self, user: str) -> Callable[[], _Answer]:
        return self._told(lambda fitting: _read(fitting, user))

    def _told(self, question: Callable[[Fit], _Answer], key: Secret | None = None) -> Callable[[], _Answer]:
        """`question` with its errors as words, in which there is no key."""

        def told() -> _Answer:
            try:
                fitting = self._fit = self._fit or fit(self._find())
                if fitting.problem:
                    return _Refused(fitting.problem)
                return question(fitting)
            except Exception as error:  # noqa: BLE001 - a backend is a package of anybody's, and may raise anything
                return _refused(error, key)

        return told


def _read(fitting: Fit, user: str) -> Secret | None:
    for backend in fitting.backends:
        if (found := backend.get_password(SERVICE, user)) is not None:
            return Secret(found)
    return None


def _keep(fitting: Fit, user: str, key: Secret) -> _Refused | None:
    """In the first backend that keeps anything; some only hand out keys of their own."""
    for backend in fitting.backends:
        try:
            backend.set_password(SERVICE, user, key.reveal())
        except NotImplementedError:
            continue
        return None
    return _Refused("it keeps nothing: it hands out keys of its own only")


def _remove(fitting: Fit, user: str) -> None:
    """Wherever it is: a chain may have kept it before another backend came first."""
    for backend in fitting.backends:
        if backend.get_password(SERVICE, user) is not None:
            backend.delete_password(SERVICE, user)


def _refused(error: Exception, key: Secret | None) -> _Refused:
    """The backend's words, on one line, short, and without the key."""
    from keyring.errors import InitError, KeyringLocked, NoKeyringError  # noqa: PLC0415 - most commands need no key

    said = one_line(str(error)) or type(error).__name__
    said = (key.scrub(said) if key else said)[:_LONGEST]
    if isinstance(error, NoKeyringError):
        return _Refused(NONE)
    if isinstance(error, InitError | KeyringLocked):
        return _Refused(f"it is locked, and nobody is there to unlock it ({said})")
    return _Refused(said)


def _user(provider: str, label: str) -> str:
    return f"{provider}/{label}"
