"""The errors of datasets and selections."""

from __future__ import annotations


class DatasetError(Exception):
    """A dataset that cannot be loaded, or a selection of none of its tasks.

    `str(error)` says what is wrong and where, `hint` what to do about it.
    """

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class FetchCancelledError(DatasetError):
    """The user stopped the download of a dataset."""
