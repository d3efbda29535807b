"""Text of others in a prompt."""

from __future__ import annotations


def plain_lines(text: str) -> str:
    """The text with line feeds as its only line ends: many issues and some files carry CRs."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
