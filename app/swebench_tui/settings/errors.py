"""Errors in what the user has set up."""

from __future__ import annotations


class SetupError(Exception):
    """`str(error)` is what is wrong and where (file, setting, value); `hint` is how to fix it, or what is allowed."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class SettingsError(SetupError):
    """An unusable settings file, or an invalid value in one. `line` counts from 1; None if no line is at fault."""

    def __init__(self, what: str, *, hint: str, line: int | None = None) -> None:
        super().__init__(what, hint=hint)
        self.line = line


class KeyStoreError(SetupError):
    """A key that could not be read, stored or removed. It never contains the key."""
