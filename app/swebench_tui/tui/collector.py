"""When Python's garbage collector runs: not while the app starts, and seldom after that."""

from __future__ import annotations

import gc


def pause() -> None:
    """Do not collect while modules are imported and the first screen is built: nearly nothing of it is garbage."""
    gc.disable()


def tune() -> None:
    """Collect less often, and leave out what is loaded by now, which stays to the end.

    A screen full of text is some 200,000 objects, nearly all of them freed by their reference counts. By default all of
    them were visited every second while eight answers streamed in: a third of the CPU time, and keys waited 0.3 s.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    gc.enable()
