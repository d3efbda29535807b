"""What is wrong with what the user has set up."""

from __future__ import annotations


class SetupError(Exception):
    """`str(error)` says what happened and where (file, key, what was found), `hint` what to do, or what is allowed."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class SettingsError(SetupError):
    """A settings file that cannot be used, or a value in it. `line` counts from 1; None where no line is to blame."""

    def __init__(self, what: str, *, hint: str, line: int | None = None) -> None:
        super().__init__(what, hint=hint)
        self.line = line


class KeyStoreError(SetupError):
    """A key that could not be read, kept or removed. The key itself is never in it."""
