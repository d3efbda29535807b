"""Errors of `huggingface_hub` as sentences for the user. Imported in the process that fetches, and nowhere else."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress

from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)

from swebench_tui.bench.datasets.errors import DatasetError
from swebench_tui.bench.datasets.hub_messages import Failure, FetchRequest

_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
_PINNED = "A revision that was fetched needs no request when it is named: lite@COMMIT."


def explain(error: BaseException, request: FetchRequest) -> Failure:
    """The sentence for an error. Text of the hub or of an exception is quoted only where nothing better is known."""
    failure = _explained(error, request)
    token = None
    with suppress(OSError):  # its file cannot be read
        token = get_token()  # of any form: mirrors of the hub have their own
    if not token:
        return failure
    return Failure(what=failure.what.replace(token, "***"), hint=failure.hint.replace(token, "***"))


def _explained(error: BaseException, request: FetchRequest) -> Failure:
    causes = list(_chain(error))
    for cause in causes:
        if isinstance(cause, DatasetError):
            return Failure(what=str(cause), hint=cause.hint)
        if failure := _of_dataset(cause, request) or _of_hub(cause, request) or _of_machine(cause):
            return failure
    for cause in causes:
        if type(cause).__module__.startswith("http"):  # of the HTTP client: no answer, or a connection that ended
            return unreachable(cause)
    return Failure(
        what=f"{request.repo} could not be fetched: {type(error).__name__}: {_first_line(error)}",
        hint="Try again. `hf download --repo-type dataset` shows what the hub's own client says.",
    )


def unreachable(error: BaseException) -> Failure:
    """No connection to the hub, or one that ended."""
    return Failure(
        what=f"the hub at {_endpoint()} cannot be reached: {_first_line(error) or type(error).__name__}",
        hint=f"Check the network, the proxy and HF_ENDPOINT. {_PINNED}",
    )


def _of_dataset(error: BaseException, request: FetchRequest) -> Failure | None:
    page = f"{_endpoint()}/datasets/{request.repo}"
    match error:
        case GatedRepoError():
            what = f"{request.repo} is gated: its owners decide who may read it"
            return Failure(what=what, hint=f"Accept its terms on {page}, then {_LOG_IN}.")
        case DisabledRepoError():
            return Failure(what=f"{request.repo} was disabled by the hub", hint="Choose another dataset.")
        case RepositoryNotFoundError():
            return Failure(
                what=f"the hub has no dataset {request.repo!r} that you may read",
                hint=f"Check the name; a model is not a dataset. If it is private, {_LOG_IN}. A folder on this machine"
                f" is written ./{request.repo}",
            )
        case RevisionNotFoundError():
            what = f"{request.repo} has no revision {request.revision!r}"
            return Failure(what=what, hint="Use a branch, a tag or all 40 digits of a commit, or leave @REVISION out.")
        case HFValidationError():
            return Failure(what=f"{request.repo!r} is not a name of the hub", hint="Names look like owner/name.")
    return None


def _of_hub(error: BaseException, request: FetchRequest) -> Failure | None:
    if isinstance(error, UnicodeEncodeError):
        return Failure(what="the token has letters that no token has", hint=f"Check HF_TOKEN, or {_LOG_IN}.")
    if isinstance(error, OfflineModeIsEnabled):
        return Failure(
            what=f"{request.name} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it",
            hint=f"Unset HF_HUB_OFFLINE and run: swebench-tui dataset fetch {request.name}",
        )
    if isinstance(error, FileMetadataError):
        return Failure(
            what=f"the answer of {_endpoint()} is not that of a hub",
            hint="Check HF_ENDPOINT and the proxy: a login page may have answered.",
        )
    return _of_status(error, request) if isinstance(error, HfHubHTTPError) else None


def _of_status(error: HfHubHTTPError, request: FetchRequest) -> Failure:
    status = error.response.status_code
    what, hint = f"the hub answers {status} for {request.repo}", "Try again later."
    match status:
        case 401:
            what, hint = "the hub does not accept the token (401)", f"Remove it, or {_LOG_IN}."
        case 403:
            what, hint = f"the hub forbids to read {request.repo} (403)", f"Use a token with read access: {_LOG_IN}."
        case 404:
            what, hint = f"the hub has not found {request.repo} (404)", "Check the name and the revision."
        case 429:
            wait = error.response.headers.get("retry-after", "")
            when = f"Try again in {wait} s" if re.fullmatch(r"[0-9]{1,6}", wait) else "Try again in a few minutes"
            what = "the hub limits the number of requests (429)"
            hint = f"{when}, or {_LOG_IN}. {_PINNED}"
    return Failure(what=what, hint=hint)


def _of_machine(error: BaseException) -> Failure | None:
    if not isinstance(error, OSError) or isinstance(error, HfHubHTTPError | EntryNotFoundError):
        return None
    if "Consistency check failed" in str(error):
        return Failure(what="the download was cut off", hint="Try again: nothing incomplete was kept.")
    folder = error.filename or constants.HF_HUB_CACHE
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return Failure(what=f"no space left for {folder}", hint="Free some, or set HF_HOME to another disk.")
        case errno.EACCES | errno.EPERM | errno.EROFS | errno.ENOTDIR | errno.EEXIST:
            what = f"cannot write {folder}: {os.strerror(error.errno)}"
            return Failure(what=what, hint="Make it writable, or set HF_HOME to a folder of yours.")
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes. Those that only say that something else failed come last."""
    later: list[BaseException] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, LocalEntryNotFoundError | RevisionResolutionError):
            later.append(current)
        else:
            yield current
        current = current.__cause__ or current.__context__
    yield from later


def _endpoint() -> str:
    """The hub's address without the name and password that may stand in it."""
    scheme, separator, rest = constants.ENDPOINT.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
