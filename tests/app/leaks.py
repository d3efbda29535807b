"""Whether an error, shown with every local of every frame as Textual's own crash screen does, holds a secret."""

from __future__ import annotations

import io
from types import TracebackType

from rich.console import Console
from rich.traceback import Traceback


def _beyond_the_test(frames: TracebackType | None) -> TracebackType | None:
    """The frames from the first one of the program's on: what the test itself holds says nothing."""
    while frames is not None and frames.tb_next is not None and "/tests/" in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return frames


def shown(error: BaseException) -> str:
    """The traceback with locals, with whatever error it came from."""
    console = Console(file=io.StringIO(), width=500)
    for part in (error, error.__cause__, error.__context__):
        if part is not None:
            console.print(
                Traceback.from_exception(
                    type(part),
                    part,
                    _beyond_the_test(part.__traceback__),
                    show_locals=True,
                    locals_max_length=1_000,
                    locals_max_string=1_000_000,
                )
            )
    assert isinstance(console.file, io.StringIO)
    return f"{console.file.getvalue()}{error!r}{getattr(error, 'hint', '')}"
