"""An error as Textual's crash screen would show it, with every local of every frame, to be searched for secrets."""

from __future__ import annotations

import io
from types import TracebackType

from rich.console import Console
from rich.traceback import Traceback


def _program_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames from the program's first on: the locals of the test itself do not count."""
    while frames is not None and frames.tb_next is not None and "/tests/" in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return frames


def shown(error: BaseException) -> str:
    """The traceback with locals, and that of its cause and context."""
    console = Console(file=io.StringIO(), width=500)
    for part in (error, error.__cause__, error.__context__):
        if part is not None:
            console.print(
                Traceback.from_exception(
                    type(part),
                    part,
                    _program_frames(part.__traceback__),
                    show_locals=True,
                    locals_max_length=1_000,
                    locals_max_string=1_000_000,
                )
            )
    assert isinstance(console.file, io.StringIO)
    return f"{console.file.getvalue()}{error!r}{getattr(error, 'hint', '')}"
