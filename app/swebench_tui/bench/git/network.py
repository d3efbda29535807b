"""Git that talks to a server: what `runner.py` shuts off stays off, but the transports that are named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from swebench_tui.bench.git.runner import GitResult, run_git

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_IDLE_LIMIT: Final = 180.0  # seconds without any sign of a server
_OUTPUT_LIMIT: Final = 1024 * 1024  # bytes; what is received goes to disk
_SETTINGS: Final = ("core.sshCommand=", "http.followRedirects=initial", "transfer.bundleURI=false")
_SSH: Final = (
    "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ControlMaster=no -o ControlPath=none -o ForwardAgent=no"
    " -o PermitLocalCommand=no -o ServerAliveInterval=30"
)
_KEPT: Final = ("HOME", "SSH_AUTH_SOCK", "USER", "LOGNAME")
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def run_network_git(
    folder: Path,
    arguments: Sequence[str],
    *,
    transports: Sequence[str],
    stdin: bytes = b"",
    settings: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    progress: Callable[[bytes], None] = lambda _: None,
) -> GitResult:
    """Run git with the `transports`, proxies, certificates and SSH keys of the user, without prompts.

    There is no limit of time as long as the server gives a sign of itself. Raises `GitError` as `run_git` does.
    """
    return run_git(
        folder,
        arguments,
        stdin=stdin,
        settings=[*_SETTINGS, *(f"protocol.{name}.allow=always" for name in transports), *settings],
        variables={**_environment(), **(variables or {})},
        idle_limit=_IDLE_LIMIT,
        output_limit=_OUTPUT_LIMIT,
        progress=progress,
    )


def _environment() -> dict[str, str]:
    names = [*_KEPT, *_PROXIES, *(name.upper() for name in _PROXIES if name != "http_proxy")]  # as curl reads them
    variables = {name: os.environ[name] for name in names if name in os.environ}
    if "SSL_CERT_FILE" in os.environ:
        variables["GIT_SSL_CAINFO"] = os.environ["SSL_CERT_FILE"]
    return {**variables, "GIT_SSH_COMMAND": _SSH, "GIT_SSH_VARIANT": "ssh"}
