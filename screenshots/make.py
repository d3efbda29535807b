"""Take the pictures that README shows: `python screenshots/make.py`. The embedded model is at work in them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.compare import CompareScreen

SIZE = (120, 34)
FOLDER = Path(__file__).parent


async def compare() -> None:
    """Two columns of the embedded model, a moment before they are done."""
    app = SwebenchApp()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        while screen.question is None:
            await pilot.pause(0.1)
        await pilot.press("enter")
        while not all(view.answer.count("\n") > 12 or view.settled for view in screen.columns):
            await pilot.pause(0.1)
        (FOLDER / "compare.svg").write_text(app.export_screenshot(title="swebench-tui"), "utf-8")


if __name__ == "__main__":
    asyncio.run(compare())
