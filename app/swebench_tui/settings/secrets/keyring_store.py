"""Keys in the system keyring, and which of its backends are usable.

The package `keyring` is imported, and the backend resolved, on the first call; each call has a timeout of 3 seconds.
Errors of a backend are returned as text: their frames hold the key, and a traceback would show it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_providers import Secret
from swebench_tui.settings.errors import KeyStoreError
from swebench_tui.settings.secrets.store import ALTERNATIVES, SERVICE, KeyringStatus
from swebench_tui.settings.secrets.timeout import CallTimeoutError, TimeoutRunner
from swebench_tui.terminal_text import one_line

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

TIMEOUT: Final = 3.0
"""Seconds. With a display, a locked keyring prompts the user and waits for an answer without end."""

NO_KEYRING: Final = "no system keyring found"

_NO_KEYRING_MODULES: Final = frozenset({"keyring.backends.fail", "keyring.backends.null"})
_CHAIN_MODULE: Final = "keyring.backends.chainer"
_TERMINAL_MODULES: Final = ("keyrings.alt", "keyrings.cryptfile", "sagecipher")
_NO_NAME: Final = "none"
_PROBE_USER: Final = "probe"
_MAX_MESSAGE: Final = 200  # characters


class UsableBackends(msgspec.Struct, frozen=True):
    """The backends that keys may be written to, in lookup order. `problem` is why there is none."""

    name: str
    backends: tuple[KeyringBackend, ...]
    problem: str = ""


class _Failure(msgspec.Struct, frozen=True):
    """The error message of a backend, or why no backend was called."""

    message: str


_Result = Secret | _Failure | None


def find_backend() -> KeyringBackend:
    """Return the keyring that the user or the machine prefers. Blocks; may raise whatever a backend raises."""
    logging.getLogger("keyring").addHandler(logging.NullHandler())  # else its log messages land on the screen
    import keyring  # noqa: PLC0415 - most commands need no key

    return keyring.get_keyring()


def usable_backends(found: KeyringBackend) -> UsableBackends:
    """Select the backends that keep a key from other users and do not prompt on the terminal.

    `found` is what the package `keyring` chose. A chain is searched link by link: it may end in a plain-text file.
    """
    name = _name(found)
    if type(found).__module__ != _CHAIN_MODULE:
        problem = _problem(found)
        return UsableBackends(name, () if problem else (found,), problem)
    chain: Iterable[KeyringBackend] = found.backends  # type: ignore[attr-defined]  # only a chain has it
    links = tuple(chain)
    usable = tuple(link for link in links if not _problem(link))
    problems = dict.fromkeys(filter(None, map(_problem, links)))
    problem = "" if usable else "; ".join(problems) or NO_KEYRING
    return UsableBackends(", ".join(map(_name, usable)) or name, usable, problem)


class KeyringStore:
    """Thread-safe. Tests pass their own `find_backend` and `timeout` (seconds)."""

    def __init__(self, find_backend: Callable[[], KeyringBackend] = find_backend, *, timeout: float = TIMEOUT) -> None:
        self._find_backend = find_backend
        self._runner: TimeoutRunner[_Result] = TimeoutRunner(timeout)
        self._usable: UsableBackends | None = None

    def probe(self) -> KeyringStatus:
        """Return the keyring's name and whether it responds, by looking up a key that does not exist."""
        try:
            result = self._runner.run(self._reading(_PROBE_USER))
        except CallTimeoutError:
            return KeyringStatus(name=self._name, problem=self._timed_out)
        return KeyringStatus(name=self._name, problem=result.message if isinstance(result, _Failure) else "")

    def read(self, provider: str, label: str) -> Secret | None:
        result = self._run("read", provider, label, self._reading(_user(provider, label)))
        return result if isinstance(result, Secret) else None

    def write(self, provider: str, label: str, key: Secret) -> None:
        user = _user(provider, label)
        self._run("stored", provider, label, self._guarded(lambda usable: _write(usable, user, key), key))

    def remove(self, provider: str, label: str) -> None:
        user = _user(provider, label)
        self._run("removed", provider, label, self._guarded(lambda usable: _remove(usable, user)))

    @property
    def _name(self) -> str:
        return self._usable.name if self._usable else _NO_NAME

    @property
    def _timed_out(self) -> str:
        return f"no response within {self._runner.timeout:g} s; it may be waiting to be unlocked"

    def _run(self, action: str, provider: str, label: str, call: Callable[[], _Result]) -> _Result:
        """Raises `KeyStoreError` for a failure or a timeout. `action` is a past participle, for the message."""
        try:
            result = self._runner.run(call)
        except CallTimeoutError:
            result = _Failure(self._timed_out)
        if isinstance(result, _Failure):
            in_file = f"swebench-tui provider init {provider} --keep-in file"
            hint = ALTERNATIVES if action == "stored" else f"Unlock the keyring and try again, or run: {in_file}"
            what = f"the key {label!r} of {provider} could not be {action}"
            raise KeyStoreError(f"{what} ({self._name}): {result.message}", hint=hint)
        return result

    def _reading(self, user: str) -> Callable[[], _Result]:
        return self._guarded(lambda usable: _read(usable, user))

    def _guarded(
        self, operation: Callable[[UsableBackends], _Result], key: Secret | None = None
    ) -> Callable[[], _Result]:
        """Return a call that runs `operation` and returns its errors as text that does not hold `key`."""

        def call() -> _Result:
            try:
                usable = self._usable = self._usable or usable_backends(self._find_backend())
                if usable.problem:
                    return _Failure(usable.problem)
                return operation(usable)
            except Exception as error:  # noqa: BLE001 - a backend is a package of anybody's, and may raise anything
                return _failure(error, key)

        return call


def _problem(backend: KeyringBackend) -> str:
    """Why a backend must not get a key, "" if it may."""
    module, kind = type(backend).__module__, type(backend).__name__
    if module in _NO_KEYRING_MODULES:
        return NO_KEYRING
    if "plain" in kind.lower() or "uncrypted" in kind.lower():
        return f"{_name(backend)} stores keys as plain text"
    if module.startswith(_TERMINAL_MODULES):
        return f"{_name(backend)} prompts for a password on the terminal"
    return ""


def _name(backend: KeyringBackend) -> str:
    """`SecretService Keyring`, without its priority, which may call the bus."""
    return _NO_NAME if type(backend).__module__ in _NO_KEYRING_MODULES else str(type(backend).name)


def _read(usable: UsableBackends, user: str) -> Secret | None:
    for backend in usable.backends:
        if (found := backend.get_password(SERVICE, user)) is not None:
            return Secret(found)
    return None


def _write(usable: UsableBackends, user: str, key: Secret) -> _Failure | None:
    """Write to the first backend that stores anything; some only serve keys of their own."""
    for backend in usable.backends:
        try:
            backend.set_password(SERVICE, user, key.reveal())
        except NotImplementedError:
            continue
        return None
    return _Failure("it is read-only")


def _remove(usable: UsableBackends, user: str) -> None:
    """Remove the key from every backend: the order of a chain may have changed since it was written."""
    for backend in usable.backends:
        if backend.get_password(SERVICE, user) is not None:
            backend.delete_password(SERVICE, user)


def _failure(error: Exception, key: Secret | None) -> _Failure:
    """The backend's message on one line, shortened, without the key."""
    from keyring.errors import InitError, KeyringLocked, NoKeyringError  # noqa: PLC0415 - most commands need no key

    message = one_line(str(error)) or type(error).__name__
    message = (key.scrub(message) if key else message)[:_MAX_MESSAGE]
    if isinstance(error, NoKeyringError):
        return _Failure(NO_KEYRING)
    if isinstance(error, InitError | KeyringLocked):
        return _Failure(f"it is locked and cannot prompt for its password ({message})")
    return _Failure(message)


def _user(provider: str, label: str) -> str:
    return f"{provider}/{label}"
