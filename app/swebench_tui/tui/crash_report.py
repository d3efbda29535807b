"""Reports of unexpected errors: enough to fix the error, and nothing that belongs to the user.

A report has versions, platform, terminal, screens and the lines of the traceback. It has no values of variables: locals
hold keys and answers. The error's message is truncated, and keys, the home folder and quotations from prompts and
answers are masked in it.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from swebench_providers.redaction import Scrubber, mask_overlaps, mask_suspicious, secrets_of_environment, tokens_in_use
from swebench_tui import __version__, private_file
from swebench_tui.terminal_text import one_line, sanitize

_PACKAGES: Final = ("textual", "rich", "click", "msgspec", "httpx", "httpx-aiohttp", "aiohttp", "keyring")
_VARIABLES: Final = ("TERM", "COLORTERM", "NO_COLOR", "TERM_PROGRAM", "LANG", "LC_ALL")
LEFT_OUT: Final = "[…]"
_MAX_MESSAGE: Final = 300
_MAX_ERRORS: Final = 8
_MAX_FRAMES: Final = 40


class CrashContext(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the app that goes into a report, and the texts that must not.

    `screens` are names of classes. `private` are prompts and answers; None means that they are not known, and then no
    error's message is included. `scrub` masks the keys that the app knows.
    """

    size: tuple[int, int] = (0, 0)
    screens: Sequence[str] = ()
    private: Sequence[str] | None = ()
    scrub: Callable[[str], str] = str
    environ: Mapping[str, str] = {}
    home: Path = Path("/")


class CrashReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report: `what` is one line for people, `where` the place in the source, `text` the whole report."""

    what: str
    where: str
    text: str

    def save(self, folder: Path) -> Path:
        """Write it to a file of mode 0600. Blocks; raises `OSError`."""
        return private_file.write_new(folder / "crash-reports", "crash", ".txt", self.text)


def crash_context(**known: object) -> CrashContext:
    """The state of this process, with the fields that the caller sets."""
    return msgspec.structs.replace(CrashContext(environ=dict(os.environ), home=Path.home()), **known)


def make(error: BaseException, context: CrashContext) -> CrashReport:
    """Make the report. Raises nothing: here another error would end the program without a message."""
    clean = _cleaner(context)
    errors = list(_chain(error))
    what = clean(_message(errors[-1], context))
    lines = [
        "swebench-tui: report of an unexpected error",
        f"at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "",
        f"versions   swebench-tui {__version__}, Python {platform.python_version()}, {_versions()}",
        f"platform   {platform.platform()}",
        f"terminal   {context.size[0]}x{context.size[1]}, {_terminal(context.environ)}",
        f"screens    {' > '.join(context.screens) or 'none yet'}",
        "",
    ]
    for number, cause in enumerate(errors):
        lines += ["which led to:"] * (number > 0)
        lines += _frames(cause)
        lines += [_message(cause, context), ""]
    text = sanitize(clean("\n".join(lines)))
    return CrashReport(what=one_line(what), where=one_line(clean(_location(errors[-1]))), text=text)


def _cleaner(context: CrashContext) -> Callable[[str], str]:
    scrubber = Scrubber(lambda: (*secrets_of_environment(context.environ), *tokens_in_use()))

    def clean(text: str) -> str:
        return _without_home(mask_suspicious(scrubber.scrub(context.scrub(text))), context.home)

    return clean


def _without_home(text: str, home: Path) -> str:
    """`text` with the user's folder as `~`, since its path holds the user's name."""
    folder = str(home)
    return text if folder in {"/", ""} else text.replace(folder, "~")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, the first cause first; the errors of a group come before the group's own causes."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending and len(found) < _MAX_ERRORS:
        cause = pending.pop()
        if cause is None or any(cause is known for known in found):
            continue
        found.append(cause)
        if isinstance(cause, BaseExceptionGroup):
            pending.extend(cause.exceptions)
        pending.append(getattr(cause, "error", None) if _wraps(cause) else None)
        pending.append(cause.__cause__ if cause.__suppress_context__ or cause.__cause__ else cause.__context__)
    return reversed(found)


def _wraps(error: BaseException) -> bool:
    """Textual's WorkerFailed carries the worker's error, and not as its cause."""
    return isinstance(getattr(error, "error", None), BaseException)


def _frames(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    if len(frames) > _MAX_FRAMES:
        yield f"  … {len(frames) - _MAX_FRAMES} frames left out"
    for frame in frames[-_MAX_FRAMES:]:
        yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
        if frame.line:
            yield f"    {frame.line}"


def _location(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def _short(filename: str) -> str:
    """The path inside its package: where Python is installed does not matter."""
    _, found, inside = filename.rpartition("site-packages" + os.sep)
    if found:
        return inside
    base = str(Path(__file__).parents[2]) + os.sep
    return filename.removeprefix(base).removeprefix(sys.base_prefix + os.sep)


def _message(error: BaseException, context: CrashContext) -> str:
    """Type and message of an error, in one line. Quotations are masked before the message is truncated."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if context.private is None:
        return name
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - `__str__` is any class's own code
        message = "(its message cannot be read)"
    message = _cleaner(context)(message[: 20 * _MAX_MESSAGE])  # before it is truncated: half a key is not recognised
    message = one_line(mask_overlaps(message[: 2 * _MAX_MESSAGE], "\n".join(context.private), LEFT_OUT))
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]} … ({len(message):,} characters)"
    return f"{name}: {message}" if message else name


def _versions() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "–"


def _terminal(environ: Mapping[str, str]) -> str:
    parts = [f"{name}={environ[name]}" for name in _VARIABLES if name in environ]
    parts += ["over SSH"] * ("SSH_CONNECTION" in environ) + ["in tmux"] * ("TMUX" in environ)
    return ", ".join(parts)
