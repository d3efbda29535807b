"""The process that fetches a dataset with `huggingface_hub`, so that a download can be stopped at any moment.

Started by `hub.py` as `python -m`. The client has no way to stop a download: it waits in retries of its own, and reads
from sockets without end. A process can be ended, cleans up on the way, and keeps the client's second of imports out of
the app. It ends when its standard input does, so it never outlives the app.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
import yaml
from huggingface_hub import HfApi, constants, get_cached_repo_tree, get_session, hf_hub_download, snapshot_download
from huggingface_hub.errors import CachedRepoTreeNotFoundError, HfHubHTTPError
from huggingface_hub.hf_api import RepoFile

from swebench_tui import __version__
from swebench_tui.bench.datasets.data_files import (
    DEFAULT_SPLIT,
    Config,
    choose_format,
    choose_split,
    has_pyarrow,
    splits,
)
from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.hub_cache import snapshot_folder
from swebench_tui.bench.datasets.hub_errors import explain
from swebench_tui.bench.datasets.hub_messages import Fetched, FetchRequest, Message, Progress

_API_SECONDS: Final = 15.0
_MAX_CARD: Final = 1024**2
_MAX_DOWNLOAD: Final = 8 * 10**9
_REPORT_BYTES: Final = 256 * 1024


class _Api(HfApi):
    """Remembers that the hub did not answer: `resolve_revision` then falls back to the cache silently."""

    failure: Exception | None = None

    def repo_info(self, *args: object, **options: object) -> object:  # type: ignore[override]  # passed on as they are
        try:
            return super().repo_info(*args, timeout=_API_SECONDS, **options)  # type: ignore[arg-type]
        except Exception as error:
            self.failure = error
            raise


def main() -> None:
    """Read a request from standard input, write messages to standard output."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that started the app with & ignores it
    source, output = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no message
    request = msgspec.json.decode(source.readline(), type=FetchRequest)
    threading.Thread(target=_end_with_parent, args=(source.fileno(),), daemon=True).start()

    def send(message: Message) -> None:
        output.write(msgspec.json.encode(message) + b"\n")
        output.flush()

    try:
        send(fetch(request, send))
    except Exception as error:  # noqa: BLE001 - the parent shows it
        send(explain(error, request))


def _end_with_parent(source: int) -> None:
    """Not `sys.stdin.read`: the interpreter aborts if a thread holds the lock of a stream when it ends."""
    while os.read(source, 1024):
        pass
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)  # interrupts a read, and removes the temporary file


def fetch(request: FetchRequest, report: Callable[[Progress], None]) -> Fetched:
    """Fetch the files of the split that the cache lacks. A pinned revision that is there needs no network."""
    get_session().timeout = _API_SECONDS
    constants.DOWNLOAD_CHUNK_SIZE = _REPORT_BYTES  # its 10 MB are a minute without progress on a slow line
    api = _Api(library_name="swebench-tui", library_version=__version__)
    repo, kind = request.repo, "dataset"
    try:
        revision = api.resolve_revision(repo, repo_type=kind, revision=request.revision)
    except HfHubHTTPError as error:
        if error.response.status_code != 429:
            raise
        revision = api.resolve_revision(repo, repo_type=kind, revision=request.revision, local_files_only=True)
    commit = revision.resolved
    folder = snapshot_folder(repo, commit)
    sizes = _listed(repo, commit) or _whole_copy(folder, request)
    if sizes is None or ("README.md" in sizes and not (folder / "README.md").exists()):
        snapshot_download(repo, repo_type=kind, revision=revision, allow_patterns="README.md")
    if sizes is None:
        sizes = _listed(repo, commit) or _listed_by_hub(api, repo, commit)
    found = splits(sizes, _config(folder / "README.md"))
    split = choose_split(found, request.split, name=request.name)
    chosen = choose_format(found[split], name=request.name, tables=has_pyarrow())
    missing = [path for path in chosen if not (folder / path).exists()]
    if missing and request.revision == commit:
        api.repo_info(repo, repo_type=kind, revision=commit)  # fails at once; the download would try for 25 seconds
    if (total := sum(sizes[path] or 0 for path in missing)) > _MAX_DOWNLOAD:
        raise DatasetError(
            f"{request.name} has {total / 1e9:,.0f} GB to download; {_MAX_DOWNLOAD / 1e9:.0f} GB is the limit",
            hint="Check the name; sets of tasks are far smaller. A local copy can be read from a folder.",
        )
    meter = _Meter([sizes[path] for path in missing], report)
    logging.getLogger("huggingface_hub").addHandler(_RetryNotice(meter))
    files = [
        hf_hub_download(repo, path, repo_type=kind, revision=commit, tqdm_class=meter.bar(path)) for path in chosen
    ]
    notice = None
    if api.failure is not None:
        reason = explain(api.failure, request).what
        notice = f"{reason}. The copy in the cache was used, revision {commit}; the hub may have a newer one."
    return Fetched(revision=commit, split=split, files=tuple(files), notice=notice)


def _listed(repo: str, commit: str) -> dict[str, int | None] | None:
    """The files of the commit with their sizes, from the list in the cache; None: there is none."""
    try:
        return {file.path: file.size for file in get_cached_repo_tree(repo, repo_type="dataset", revision=commit)}
    except CachedRepoTreeNotFoundError:
        return None


def _whole_copy(folder: Path, request: FetchRequest) -> dict[str, int | None] | None:
    """The files in the cache that another program filled, without a list of what belongs to the commit.

    None where the split is not among them or lacks a part.
    """
    there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    found = splits(there, _config(folder / "README.md"))
    split = request.split or DEFAULT_SPLIT
    try:
        choose_format(found[split], name=request.name, tables=has_pyarrow())
    except (DatasetError, KeyError):
        return None
    return dict.fromkeys(there)


def _listed_by_hub(api: HfApi, repo: str, commit: str) -> dict[str, int | None]:
    """The same list, requested: a cache that cannot be written keeps none."""
    listed = api.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True)
    return {entry.path: entry.size for entry in listed if isinstance(entry, RepoFile)}


def _config(card: Path) -> Config | None:
    """The files of each split, as the dataset's card declares them for its default configuration."""
    try:
        text = card.read_bytes()[:_MAX_CARD].decode(errors="replace")
    except OSError:
        return None
    parts = text.split("\n---", 1)
    if not text.startswith("---") or len(parts) == 1:
        return None
    try:
        header = yaml.load(parts[0], Loader=yaml.BaseLoader)  # noqa: S506 - builds text, lists and dictionaries alone
        configs = msgspec.convert(header, _Header).configs
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError):
        return None
    chosen = next((config for config in configs if config.config_name == "default"), configs[0] if configs else None)
    return Config(tuple(chosen.patterns())) if chosen and chosen.patterns() else None


class _SplitFiles(msgspec.Struct):
    split: str
    path: str | list[str]

    def paths(self) -> list[str]:
        return [self.path] if isinstance(self.path, str) else self.path


class _ConfigEntry(msgspec.Struct):
    config_name: str = "default"
    data_files: list[_SplitFiles] | str | None = None

    def patterns(self) -> list[tuple[str, str]]:
        files = self.data_files if isinstance(self.data_files, list) else []
        return [(file.split, path) for file in files for path in file.paths()]


class _Header(msgspec.Struct):
    configs: list[_ConfigEntry] = []


class _Meter:
    """Sums the bytes of all files, and reports now and then."""

    def __init__(self, sizes: Sequence[int | None], report: Callable[[Progress], None]) -> None:
        self._total = None if None in sizes else sum(size or 0 for size in sizes)
        self._done = self._reported = 0
        self._report = report

    def add(self, file: str, size: int) -> None:
        self._done += size
        if abs(self._done - self._reported) >= _REPORT_BYTES or self._done == self._total:
            self._reported = self._done
            self._report(Progress(file=file, done=self._done, total=self._total))

    def wait(self) -> None:
        self._report(Progress(file="", done=self._done, total=self._total, waiting=True))

    def bar(self, file: str) -> type:
        """What the client takes for a progress bar of `tqdm`."""
        meter = self

        class Bar(_Bar):
            def update(self, n: float | None = 1) -> None:
                meter.add(file, int(n or 0))

        return Bar


class _RetryNotice(logging.Handler):
    """Reports that the client waits: its only sign are warnings in its log."""

    def __init__(self, meter: _Meter) -> None:
        super().__init__(logging.WARNING)
        self._meter = meter

    def emit(self, record: logging.LogRecord) -> None:
        if "etry" in record.msg or "resume" in record.msg:
            self._meter.wait()


class _Bar:
    """The part of a `tqdm` progress bar that the client uses."""

    def __init__(self, *_: object, total: float | None = None, initial: float = 0, **__: object) -> None:
        self.total, self.n = total, initial

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update_transfer(self, n: float | None = 1) -> None:
        """Bytes on the network; `update` counts those on the disk."""

    def set_postfix_str(self, *_: object, **__: object) -> None:
        pass

    set_transfer_postfix_str = set_postfix_str

    def refresh(self) -> None:
        pass

    def close(self) -> None:
        pass


if __name__ == "__main__":
    main()
