"""Where repositories are fetched from, and the errors of fetching in sentences."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.names import check_repo

GITHUB: Final = "https://github.com/{repo}.git"
_TRANSPORTS: Final = ("https", "ssh", "file")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP_STYLE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:]+")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")

_NO_FREE_SPACE: Final = re.compile(r"No space left|Disk quota exceeded")
_NETWORK: Final = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|Connection (?:timed out|refused|reset)|Network is unreach"
    r"|No route to host|Operation timed out|unexpected disconnect|early EOF|RPC failed|the remote end hung up"
    r"|made no progress|failure in name resolution|Recv failure|Empty reply from server|returned error: (?:5|429)",
    re.IGNORECASE,
)
_NO_ACCESS: Final = re.compile(
    r"not found|could not read \w+ for|Authentication failed|Permission denied|returned error: 40[134]"
    r"|does not (?:exist|appear to be a git repository)|Host key verification failed|terminal prompts disabled",
    re.IGNORECASE,
)
_ERRORS: Final = (
    (re.compile("git was not found"), "git was not found", "Install git and put it on the PATH."),
    (
        _NO_FREE_SPACE,
        "the disk is full",
        "Free disk space, or remove clones with `swebench-tui repo prune`.",
    ),
    (
        re.compile("transport.*not allowed"),
        "{address} leads to a transport that is not allowed",
        "Repositories are fetched by https, ssh and file.",
    ),
    (
        re.compile("certificate"),
        "the certificate of {address} is not trusted",
        "Set SSL_CERT_FILE to a file with your CA certificates.",
    ),
    (
        _NETWORK,
        "cannot reach {address}",
        "Check the network, or set a mirror: `swebench-tui settings set repositories.mirror FOLDER|URL`.",
    ),
    (
        _NO_ACCESS,
        "{address} does not exist or needs a login",
        "Check the name. For a private repository, set repositories.mirror to a folder with a clone of it.",
    ),
    (re.compile("unknown option|usage: git"), "this git is too old to fetch with", "Install git 2.30 or newer."),
)
"""What git's message has, what happened, and what to do. The first one that matches is taken."""


class Remote(msgspec.Struct, frozen=True):
    """`template` is a URL with `{repo}` in it. Git uses none but the `transports`."""

    template: str = GITHUB
    transports: tuple[str, ...] = _TRANSPORTS

    def __post_init__(self) -> None:
        scheme = _SCHEME.match(self.template)
        transport = scheme.group(1).lower() if scheme else "ssh" if _SCP_STYLE.fullmatch(self.template) else None
        if "{repo}" not in self.template or not self.template.isprintable() or transport not in self.transports:
            raise RepositoryError(
                f"{_without_credentials(self.template)!r} is not an address to fetch repositories from",
                hint=f"Use https, ssh or file, with {{repo}} for owner/name, such as {GITHUB}.",
            )

    def url(self, repo: str) -> str:
        """The address of a repository. Raises `RepositoryError` for an invalid name."""
        return self.template.replace("{repo}", check_repo(repo))

    def shown(self, repo: str) -> str:
        """The address without user and password."""
        return _without_credentials(self.url(repo))


def fetch_error(repo: str, remote: Remote, message: str) -> RepositoryError:
    """What git's `message` means for the user."""
    address = remote.shown(repo)
    for pattern, what, hint in _ERRORS:
        if pattern.search(message):
            return RepositoryError(f"{repo}: {what.format(address=address)}", hint=hint)
    return RepositoryError(f"{repo}: git fetch failed: {_last_line(message)}", hint=f"It was fetched from {address}.")


def _last_line(message: str) -> str:
    lines = [line for line in message.splitlines() if line.startswith(("fatal:", "error:"))] or message.splitlines()
    return _without_credentials(lines[0])[:300] if lines else "it gave no message"


def _without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("", text)
