"""Google's application default credentials as a way to show who is asking (api-contracts 1.1, Vertex AI).

They come from `gcloud auth application-default login`, the key file of a service account, or the Google machine this
runs on. Google's own package reads them and fetches the tokens, which last an hour; it is the extra `google`, and
imported on the thread that fetches.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from swebench_providers.auth.strategies import ExpiringAuth
from swebench_providers.types.errors import ErrorKind, ProviderError
from swebench_providers.types.secret import Secret

if TYPE_CHECKING:
    from google.auth.transport import Request

INSTALL_COMMAND: Final = "pip install 'swebench-tui[google]'"
LOGIN_COMMAND: Final = "gcloud auth application-default login"

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_MARGIN: Final = 225.0  # seconds; Google's machines hand out the same token until four minutes before its end
_AT_GOOGLE: Final = (
    "K_SERVICE", "GAE_SERVICE", "GCE_METADATA_HOST", "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI",
)  # fmt: skip


_INSTALL: Final = f"Run: {INSTALL_COMMAND}"
_WAYS_IN: Final = f"Set GOOGLE_OAUTH_ACCESS_TOKEN, or run: {LOGIN_COMMAND}"


class Credentials(Protocol):
    """What is used of Google's class of that name. `expiry` is UTC without saying so; None never comes."""

    token: str | None
    expiry: datetime | None

    @property
    def quota_project_id(self) -> str | None: ...

    def refresh(self, request: Request) -> None: ...


class _Token(NamedTuple):
    """`good_until` is in seconds since the epoch; `quota_project` is who pays, "" where the token tells it."""

    secret: Secret
    good_until: float
    quota_project: str


class _Failure(NamedTuple):
    """What went wrong, for as many errors as requests have waited: each of them will get other facts put on it."""

    kind: ErrorKind
    what: str
    hint: str
    reason: str = ""

    def error(self) -> ProviderError:
        return ProviderError(self.kind, self.what, hint=self.hint, reason=self.reason)


def source(environ: Mapping[str, str]) -> str | None:
    """Where the credentials would come from; None where there are none. Asks nobody, and does not look into them.

    A machine of Google's has a service account of its own, which only a request to it would tell: it is counted on
    where the platform's variables are there, or one that says that Vertex AI is wanted.
    """
    if environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip():
        return "environment: GOOGLE_APPLICATION_CREDENTIALS"
    if any((folder / "application_default_credentials.json").is_file() for folder in _gcloud_folders(environ)):
        return "gcloud: application default credentials"
    at_google = any(environ.get(name, "").strip().lower() not in {"", "0", "false"} for name in _AT_GOOGLE)
    return "this machine's service account" if at_google else None


def installed() -> bool:
    """Whether Google's package is there. Imports none of it."""
    try:
        return find_spec("google.auth") is not None
    except ModuleNotFoundError:
        return False


class GoogleAuth(ExpiringAuth):
    """`Authorization: Bearer TOKEN`, and who pays where the credentials name a project for that.

    Tokens are fetched on a thread, shortly before the old one ends. However many requests ask meanwhile, from however
    many event loops, there is one fetch. One that fails does no harm as long as the old token still holds.
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
        self._credentials: Credentials | None = None
        self._fetching: Future[_Failure | None] | None = None

    @property
    def token(self) -> Secret | None:
        return self._token.secret if self._token else None

    def prepare_headers(self, base_headers: Mapping[str, str]) -> dict[str, str]:
        headers = dict(base_headers)
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.secret.reveal()}"
            if self._token.quota_project:
                headers.setdefault("x-goog-user-project", self._token.quota_project)
        return headers

    async def renew(self) -> None:
        if self._holds_for(_MARGIN):
            return
        failure = await asyncio.wrap_future(self._the_fetch())
        if failure is not None and not self._holds_for(0):
            raise failure.error()

    def _holds_for(self, seconds: float) -> bool:
        return self._token is not None and self._now() + seconds < self._token.good_until

    def _the_fetch(self) -> Future[_Failure | None]:
        """The fetch that is under way, or a new one."""
        with self._lock:
            if self._fetching is None:
                self._fetching = Future()
                self._fetching.set_running_or_notify_cancel()  # a request that is given up cancels it for nobody
                threading.Thread(target=self._fetch_into, args=(self._fetching,), daemon=True).start()
            return self._fetching

    def _fetch_into(self, future: Future[_Failure | None]) -> None:
        failure = None if self._holds_for(_MARGIN) else self._fetch()  # one may just have ended
        with self._lock:
            self._fetching = None
        future.set_result(failure)

    def _fetch(self) -> _Failure | None:
        """Fill `_token`, or say why not. Only one thread is ever in here."""
        credentials, self._credentials = self._credentials, None  # after a failure they are looked for anew
        try:
            from swebench_providers.auth.google_http import GoogleHTTP  # noqa: PLC0415 - needs the extra

            http = GoogleHTTP(proxy=self._proxy, ca_bundle=self._ca_bundle)
            credentials = credentials or self._load(http)
            credentials.refresh(http)
            self._token = _token_of(credentials)
        except Exception as error:  # noqa: BLE001 - Google's code trusts its files and servers, and may raise anything
            return _failure(error)
        self._credentials = credentials
        return None


def _application_default(http: Request) -> Credentials:
    import google.auth  # noqa: PLC0415 - an extra, and slow to import

    logging.getLogger("google.auth").addHandler(logging.NullHandler())  # or its warnings go to the terminal
    credentials: Credentials = google.auth.default(scopes=[_SCOPE], request=http)[0]
    return credentials


def _token_of(credentials: Credentials) -> _Token:
    """Raises ValueError where a server has said yes and given nothing."""
    if not credentials.token:
        raise ValueError("there is no token in the answer")
    expiry = credentials.expiry
    good_until = math.inf if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
    return _Token(Secret(credentials.token), good_until, credentials.quota_project_id or "")


def _failure(error: Exception) -> _Failure:
    if isinstance(error, ProviderError):
        return _Failure(error.kind, str(error), error.hint, error.reason)
    if isinstance(error, ImportError):
        return _Failure(
            ErrorKind.AUTH, f"for Google's credentials a package is missing: {error.name}", _INSTALL, "not_installed"
        )
    from google.auth import exceptions  # noqa: PLC0415 - an extra

    words = str(error.args[0] if error.args else error).partition("\n")[0]  # then comes the whole answer of a server
    if isinstance(error, exceptions.DefaultCredentialsError):
        return _Failure(ErrorKind.AUTH, f"no Google credentials: {words}", _WAYS_IN)
    if not isinstance(error, exceptions.GoogleAuthError):
        return _Failure(ErrorKind.AUTH, f"no token from Google: {type(error).__name__}: {words}", _WAYS_IN)
    broken = isinstance(error, exceptions.TransportError) or isinstance(error.__cause__, exceptions.TransportError)
    if broken or error.retryable:
        hint = "Check the network and the proxy, and try again."
        return _Failure(ErrorKind.TRANSIENT, f"no token from Google: {words}", hint, "unreachable" if broken else "")
    return _Failure(ErrorKind.AUTH, f"Google refuses the credentials: {words}", _WAYS_IN)


def _gcloud_folders(environ: Mapping[str, str]) -> list[Path]:
    if configured := environ.get("CLOUDSDK_CONFIG"):
        return [Path(configured)]
    home, windows = environ.get("HOME"), environ.get("APPDATA")
    return [*([Path(home) / ".config" / "gcloud"] if home else []), *([Path(windows) / "gcloud"] if windows else [])]
