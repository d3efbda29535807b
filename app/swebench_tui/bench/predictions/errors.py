"""The error of predictions files."""

from __future__ import annotations


class PredictionsError(Exception):
    """A predictions file that cannot be read, written or added to. `hint` says what to do about it."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint
