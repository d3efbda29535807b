"""Authentication with Google's application default credentials (wire-contracts 1.1, Vertex AI).

They come from `gcloud auth application-default login`, the key file of a service account, or the metadata server of a
machine at Google. Google's package `google-auth` reads them and fetches the tokens, which last an hour; it is the extra
`google`, and imported on the thread that fetches.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from swebench_providers.auth.strategies import ExpiringAuth
from swebench_providers.redaction.key_shapes import mask_keys
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.secret import Secret

if TYPE_CHECKING:
    from google.auth.transport import Request

INSTALL_COMMAND: Final = "pip install 'swebench-tui[google]'"
LOGIN_COMMAND: Final = "gcloud auth application-default login"

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_MARGIN: Final = 225.0  # seconds; the metadata server returns the same token until four minutes before it expires
_AT_GOOGLE: Final = (
    "K_SERVICE", "GAE_SERVICE", "GCE_METADATA_HOST", "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI",
)  # fmt: skip


_INSTALL: Final = f"Run: {INSTALL_COMMAND}"
_SIGN_IN: Final = f"Set GOOGLE_OAUTH_ACCESS_TOKEN, or run: {LOGIN_COMMAND}"


class Credentials(Protocol):
    """The part of `google.auth.credentials.Credentials` used here. `expiry` is naive UTC; None never expires."""

    token: str | None
    expiry: datetime | None

    @property
    def quota_project_id(self) -> str | None: ...

    def refresh(self, request: Request) -> None: ...


class _Token(NamedTuple):
    """An access token. `expires_at` is in seconds since the epoch; `quota_project` is billed, "" if none is named."""

    secret: Secret
    expires_at: float
    quota_project: str


class _Failure(NamedTuple):
    """A failed fetch. Each waiting request gets an error of its own from it, since errors are annotated later."""

    kind: ErrorKind
    what: str
    hint: str
    reason: str = ""

    def error(self) -> ProviderError:
        return ProviderError(self.kind, self.what, hint=self.hint, reason=self.reason)


def source(environ: Mapping[str, str]) -> str | None:
    """The source of the credentials; None if there are none. Sends nothing and does not read the files.

    The service account of a machine at Google can only be detected by a request: it is assumed where the platform's
    variables are set, or one that selects Vertex AI.
    """
    if environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip():
        return "environment: GOOGLE_APPLICATION_CREDENTIALS"
    if any((folder / "application_default_credentials.json").is_file() for folder in _gcloud_folders(environ)):
        return "gcloud: application default credentials"
    at_google = any(environ.get(name, "").strip().lower() not in {"", "0", "false"} for name in _AT_GOOGLE)
    return "this machine's service account" if at_google else None


def installed() -> bool:
    """Whether `google-auth` is installed. Does not import it."""
    try:
        return find_spec("google.auth") is not None
    except ModuleNotFoundError:
        return False


class GoogleAuth(ExpiringAuth):
    """`Authorization: Bearer TOKEN`, and `x-goog-user-project` where the credentials name a project to bill.

    A token is fetched on a thread shortly before the old one expires. All requests that wait for it, from any number of
    event loops, share one fetch. A failed fetch raises only once the old token has expired.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        load: Callable[[Request], Credentials] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._proxy, self._ca_bundle = proxy, ca_bundle
        self._load = load or _application_default
        self._now = now
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._previous: Secret | None = None
        self._credentials: Credentials | None = None
        self._fetching: Future[_Failure | None] | None = None

    @property
    def token(self) -> Secret | None:
        return self._token.secret if self._token else None

    @property
    def tokens(self) -> Sequence[Secret]:
        """The previous token too: a request that was sent with it can still fail and quote it."""
        return [token for token in (self.token, self._previous) if token]

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        headers = dict(base_headers)
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.secret.reveal()}"
            if self._token.quota_project:
                headers.setdefault("x-goog-user-project", self._token.quota_project)
        return headers

    async def renew(self) -> None:
        if self._valid_for(_MARGIN):
            return
        failure = await asyncio.wrap_future(self._shared_fetch())
        if failure is not None and not self._valid_for(0):
            raise failure.error()

    def _valid_for(self, seconds: float) -> bool:
        return self._token is not None and self._now() + seconds < self._token.expires_at

    def _shared_fetch(self) -> Future[_Failure | None]:
        """The fetch in progress, or a new one."""
        with self._lock:
            if self._fetching is None:
                self._fetching = Future()
                self._fetching.set_running_or_notify_cancel()  # a cancelled request must not cancel it for the others
                threading.Thread(target=self._fetch_into, args=(self._fetching,), daemon=True).start()
            return self._fetching

    def _fetch_into(self, future: Future[_Failure | None]) -> None:
        failure = None if self._valid_for(_MARGIN) else self._fetch()  # another fetch may just have ended
        with self._lock:
            self._fetching = None
        future.set_result(failure)

    def _fetch(self) -> _Failure | None:
        """Set `_token`, or return the failure. Runs on one thread at a time."""
        credentials, self._credentials = self._credentials, None  # after a failure they are loaded again
        try:
            from swebench_providers.auth.google_http import GoogleHTTP  # noqa: PLC0415 - needs the extra

            http = GoogleHTTP(proxy=self._proxy, ca_bundle=self._ca_bundle)
            credentials = credentials or self._load(http)
            credentials.refresh(http)
            previous, self._token = self.token, _token_from(credentials)
        except Exception as error:  # noqa: BLE001 - google-auth trusts its files and servers, and may raise anything
            return _failure(error)
        if previous != self._token.secret:
            self._previous = previous
        self._credentials = credentials
        return None


def _application_default(http: Request) -> Credentials:
    import google.auth  # noqa: PLC0415 - an extra, and slow to import

    logging.getLogger("google.auth").addHandler(logging.NullHandler())  # or its warnings go to the terminal
    credentials: Credentials = google.auth.default(scopes=[_SCOPE], request=http)[0]
    return credentials


def _token_from(credentials: Credentials) -> _Token:
    """Raises ValueError where the server's response was a success without a token."""
    if not credentials.token:
        raise ValueError("the response has no token")
    expiry = credentials.expiry
    expires_at = math.inf if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
    return _Token(Secret(credentials.token), expires_at, credentials.quota_project_id or "")


def _failure(error: Exception) -> _Failure:
    if isinstance(error, ProviderError):
        return _Failure(error.kind, str(error), error.hint, error.reason)
    if isinstance(error, ImportError):
        return _Failure(
            ErrorKind.AUTH, f"Google credentials need a missing package: {error.name}", _INSTALL, "not_installed"
        )
    from google.auth import exceptions  # noqa: PLC0415 - an extra

    # The first line: after it comes the server's whole response. It may quote the credentials.
    message = mask_keys(str(error.args[0] if error.args else error).partition("\n")[0])
    if isinstance(error, exceptions.DefaultCredentialsError):
        return _Failure(ErrorKind.AUTH, f"no Google credentials: {message}", _SIGN_IN)
    if not isinstance(error, exceptions.GoogleAuthError):
        return _Failure(ErrorKind.AUTH, f"no token from Google: {type(error).__name__}: {message}", _SIGN_IN)
    unreachable = isinstance(error, exceptions.TransportError) or isinstance(error.__cause__, exceptions.TransportError)
    if unreachable or error.retryable:
        hint = "Check the network and the proxy, then try again."
        return _Failure(
            ErrorKind.TRANSIENT, f"no token from Google: {message}", hint, "unreachable" if unreachable else ""
        )
    return _Failure(ErrorKind.AUTH, f"Google rejected the credentials: {message}", _SIGN_IN)


def _gcloud_folders(environ: Mapping[str, str]) -> list[Path]:
    if configured := environ.get("CLOUDSDK_CONFIG"):
        return [Path(configured)]
    home, windows = environ.get("HOME"), environ.get("APPDATA")
    return [*([Path(home) / ".config" / "gcloud"] if home else []), *([Path(windows) / "gcloud"] if windows else [])]
