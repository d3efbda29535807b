"""Errors of repositories."""

from __future__ import annotations


class RepositoryError(Exception):
    """A repository that cannot be had. `str(error)` says what happened, `hint` what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint
