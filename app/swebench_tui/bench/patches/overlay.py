"""A tree with an answer's changes laid over it in memory. Nothing is written; the differences become one diff."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from swebench_tui.bench.git import diff_texts
from swebench_tui.bench.patches.deadline import check_time
from swebench_tui.bench.patches.diff_parser import parse_diff
from swebench_tui.bench.patches.text import FileText
from swebench_tui.bench.patches.unified_diff import FileChange, Hunk
from swebench_tui.bench.patches.verdict import Failure, PatchError
from swebench_tui.bench.repositories.snapshot import MAX_FILE_SIZE

if TYPE_CHECKING:
    from swebench_tui.bench.repositories.snapshot import Tree

_NO_NEWLINE = "\\ No newline at end of file"


class Overlay:
    """Files of a tree with changes on top. Paths are relative and already checked by `paths.Locator`."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._bytes: dict[str, bytes | None] = {}
        self._original: dict[str, FileText] = {}
        self._now: dict[str, FileText | None] = {}
        self._modes: dict[str, tuple[str, ...]] = {}
        self._renamed_from: dict[str, str] = {}

    def exists(self, path: str) -> bool:
        """Whether a file exists at `path`, changes included."""
        if path in self._now:
            return self._now[path] is not None
        return self._tree.kind(path) in {"file", "executable"}

    def read(self, path: str) -> FileText:
        """The text at `path`, changes included. Raises `PatchError` for a missing file."""
        if not self.exists(path):
            raise PatchError(Failure.FILE_NOT_FOUND, f"no file {path!r} in the repository")
        check_time()
        return self._now.get(path) or self.original(path)

    def original(self, path: str) -> FileText:
        """The text at `path` in the repository; of a file that is new, no text."""
        if path not in self._original:
            self._original[path] = self._base(path)
        return self._original[path]

    def is_new(self, path: str) -> bool:
        """Whether the file at `path` is not in the repository."""
        return self._tree.kind(path) not in {"file", "executable"}

    @property
    def changed(self) -> tuple[str, ...]:
        """The paths with a change, in the order of the first one."""
        return tuple(self._now)

    def must_be_free(self, path: str) -> None:
        """Raise `PatchError` when no new file can be created at this path.

        `git apply --check` accepts a patch that needs a file as a folder, and `git apply` then fails.
        """
        if self.exists(path) or self._tree.kind(path) == "folder":
            raise PatchError(Failure.FILE_EXISTS, f"{path!r} would be a new file, but the repository has it already")
        blocking = next((str(parent) for parent in PurePosixPath(path).parents if self.exists(str(parent))), None)
        if blocking is not None:
            what = f"{path!r} would be a new file, but {blocking!r} is a file, not a folder"
            raise PatchError(Failure.FILE_EXISTS, what)

    def write(self, path: str, text: FileText, modes: tuple[str, ...] = ()) -> None:
        """Put `text` at `path`; `modes` are header lines for its file mode."""
        self._now[path] = text
        if modes:
            self._modes[path] = modes

    def remove(self, path: str) -> None:
        """Remove the file at `path`."""
        self._now[path] = None

    def rename(self, old: str, new: str) -> None:
        """Rename the file at `old` to `new`, which must be free."""
        self._renamed_from[new] = self._renamed_from.pop(old, old)
        self._now[new] = self.read(old)
        self._now[old] = None

    def blob_id(self, path: str) -> str:
        """Git's blob id of the original file; zeros for a missing one."""
        content = self._base_bytes(path)
        if content is None:
            return "0" * 40
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    def diff(self) -> list[FileChange]:
        """The changes, file by file in the order of the first edit, with three lines of context."""
        edited = [path for path, text in self._now.items() if text is not None and self._source(path) is not None]
        hunks = self._hunks(edited)
        changes = [self._change(path, hunks.get(path, ())) for path in self._now]
        return [change for change in changes if change is not None]

    def _source(self, path: str) -> str | None:
        """The original path of the file at `path`, None for a new file."""
        source = self._renamed_from.get(path, path)
        return source if self._base_bytes(source) is not None else None

    def _change(self, path: str, hunks: tuple[Hunk, ...]) -> FileChange | None:
        now, source, modes = self._now[path], self._source(path), self._modes.get(path, ())
        if now is None:
            return self._deletion(path) if source is not None and source not in self._renamed_from.values() else None
        if source is None:
            lines = _all(now, "+")
            return FileChange(old=None, new=path, hunks=lines, modes=modes or ("new file mode 100644",))
        if hunks or modes or source != path:
            return FileChange(old=source, new=path, hunks=hunks, modes=modes)
        return None

    def _deletion(self, path: str) -> FileChange:
        mode = f"deleted file mode {100755 if self._tree.kind(path) == 'executable' else 100644}"
        return FileChange(old=path, new=None, hunks=_all(self._base(path), "-"), modes=(mode,))

    def _hunks(self, paths: list[str]) -> dict[str, tuple[Hunk, ...]]:
        """The hunks between each file's original and current text, from one run of git."""
        texts = [(self._base(self._source(path) or path), self._now[path] or FileText(())) for path in paths]
        if all(old == new for old, new in texts):
            return {}
        out = diff_texts([(_encoded(old), _encoded(new)) for old, new in texts])
        parsed = parse_diff(FileText.parse(out).lines)
        return {paths[int((change.new or "").rsplit("/", 1)[1])]: change.hunks for change in parsed.changes}

    def _base(self, path: str) -> FileText:
        content = self._base_bytes(path) or b""
        if b"\0" in content:
            raise PatchError(Failure.BINARY, f"{path!r} is a binary file")
        return FileText.parse(content.decode("utf-8", "surrogateescape"))

    def _base_bytes(self, path: str) -> bytes | None:
        if path not in self._bytes:
            content = self._tree.read(path)
            if content is None and self._tree.kind(path) in {"file", "executable"}:
                raise PatchError(Failure.BINARY, f"{path!r} is too large to patch: over {MAX_FILE_SIZE:,} bytes")
            self._bytes[path] = content
        return self._bytes[path]


def _all(text: FileText, column: str) -> tuple[Hunk, ...]:
    """One hunk that adds or removes a whole file."""
    if not text.lines:
        return ()
    lines = tuple(column + line for line in text.lines)
    return (Hunk(lines if text.final_newline else (*lines, _NO_NEWLINE), old_start=int(column == "-")),)


def _encoded(text: FileText) -> bytes:
    try:
        return text.render().encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise PatchError(Failure.NOT_UTF8, "the patch holds characters that UTF-8 cannot hold") from error
