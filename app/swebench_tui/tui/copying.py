"""Copying from a screen: the terminal's part, the rest in a thread, and a word on which way it went."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App

from swebench_tui import paths


async def copy(app: App[Any], text: str) -> None:
    """Copy by every way there is. The only way to the clipboard from a screen."""
    from swebench_tui.tui import clipboard  # noqa: PLC0415 - not before something is copied

    if clipboard.fits_the_terminal(text):
        app.copy_to_clipboard(text)
    copied = await asyncio.to_thread(clipboard.copy, text, paths.data())
    severity = "information" if copied.anywhere else "error"
    app.notify(str(copied), timeout=4 if copied.terminal else 20, severity=severity, markup=False)  # type: ignore[arg-type]
