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
_LONGEST_MESSAGE: Final = 300
_MOST_ERRORS: Final = 8
_MOST_FRAMES: Final = 40


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
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


def surroundings(**known: object) -> Surroundings:
    """The state of this process, with the fields that the caller sets."""
    return msgspec.structs.replace(Surroundings(environ=dict(os.environ), home=Path.home()), **known)


def make(error: BaseException, around: Surroundings) -> CrashReport:
    """Make the report. Raises nothing: here another error would end the program without a message."""
    clean = _cleaner(around)
    errors = list(_chain(error))
    what = clean(_message(errors[-1], around))
    lines = [
        "swebench-tui: report of an unexpected error",
        f"at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "",
        f"versions   swebench-tui {__version__}, Python {platform.python_version()}, {_versions()}",
        f"platform   {platform.platform()}",
        f"terminal   {around.size[0]}x{around.size[1]}, {_terminal(around.environ)}",
        f"screens    {' > '.join(around.screens) or 'none yet'}",
        "",
    ]
    for number, one in enumerate(errors):
        lines += ["which led to:"] * (number > 0)
        lines += _places(one)
        lines += [_message(one, around), ""]
    text = sanitize(clean("\n".join(lines)))
    return CrashReport(what=one_line(what), where=one_line(clean(_last_place(errors[-1]))), text=text)


def _cleaner(around: Surroundings) -> Callable[[str], str]:
    scrubber = Scrubber(lambda: (*secrets_of_environment(around.environ), *tokens_in_use()))

    def clean(text: str) -> str:
        return _without_home(mask_suspicious(scrubber.scrub(around.scrub(text))), around.home)

    return clean


def _without_home(text: str, home: Path) -> str:
    """`text` with the user's folder as `~`, since its path holds the user's name."""
    folder = str(home)
    return text if folder in {"/", ""} else text.replace(folder, "~")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, the first one first; those of a group follow their group's causes."""
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo and len(found) < _MOST_ERRORS:
        one = todo.pop()
        if one is None or any(one is known for known in found):
            continue
        found.append(one)
        if isinstance(one, BaseExceptionGroup):
            todo.extend(one.exceptions)
        todo.append(getattr(one, "error", None) if _wraps(one) else None)
        todo.append(one.__cause__ if one.__suppress_context__ or one.__cause__ else one.__context__)
    return reversed(found)


def _wraps(error: BaseException) -> bool:
    """Textual's WorkerFailed carries the worker's error, and not as its cause."""
    return isinstance(getattr(error, "error", None), BaseException)


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    if len(frames) > _MOST_FRAMES:
        yield f"  … {len(frames) - _MOST_FRAMES} places left out"
    for frame in frames[-_MOST_FRAMES:]:
        yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
        if frame.line:
            yield f"    {frame.line}"


def _last_place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def _short(filename: str) -> str:
    """The path inside its package: where Python is installed does not matter."""
    _, found, inside = filename.rpartition("site-packages" + os.sep)
    if found:
        return inside
    base = str(Path(__file__).parents[2]) + os.sep
    return filename.removeprefix(base).removeprefix(sys.base_prefix + os.sep)


def _message(error: BaseException, around: Surroundings) -> str:
    """Type and message of an error, in one line. Quotations are masked before the message is truncated."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if around.private is None:
        return name
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - `__str__` is any class's own code
        message = "(its message cannot be read)"
    message = _cleaner(around)(message[: 20 * _LONGEST_MESSAGE])  # before it is truncated: half a key is not recognised
    message = one_line(mask_overlaps(message[: 2 * _LONGEST_MESSAGE], "\n".join(around.private), LEFT_OUT))
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]} … ({len(message):,} characters)"
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
