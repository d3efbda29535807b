"""What the process that fetches datasets and its parent write to each other, one JSON object a line."""

from __future__ import annotations

import msgspec


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The dataset that the process fetches; the first line that it reads. `name` is the user's, for messages."""

    name: str
    repo: str
    revision: str | None = None
    split: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Bytes of all files of the download. `total` is None where the hub does not tell a size.

    `file` is empty while the hub lists its files.
    `waiting` says that the client waits before it tries again, as after a lost connection.
    """

    file: str
    done: int
    total: int | None
    waiting: bool = False


class Fetched(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The files of the split, in the cache. `notice` is a sentence for the user, as that the copy may be old."""

    revision: str
    split: str
    files: tuple[str, ...]
    notice: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What went wrong and what to do, as in `DatasetError`."""

    what: str
    hint: str


Message = Progress | Fetched | Failure
