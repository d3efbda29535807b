"""Errors of git."""

from __future__ import annotations


class GitError(Exception):
    """Git is missing, timed out, or found no repository. Says nothing about a patch."""


class GitCancelledError(GitError):
    """Git was ended by a `Cancellation`."""

    def __init__(self) -> None:
        super().__init__("cancelled")
