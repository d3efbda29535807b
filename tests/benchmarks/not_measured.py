"""The error of a benchmark whose figures would mean nothing."""

from __future__ import annotations


class NotMeasuredError(Exception):
    """What was to be measured did not happen."""
