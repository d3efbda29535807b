"""A stand-in for the Hugging Face hub on loopback: real sockets, and as much of its API as `huggingface_hub` uses."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit


@dataclass
class Fault:
    """An answer in place of the right one, for requests whose `METHOD /path` has a match of `pattern`.

    `cut_after`: the right answer, but the connection ends after so many bytes of its body. `stall` waits for the event
    in the middle of the body. `times` is how often, None for ever.
    """

    pattern: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    stall: threading.Event | None = None
    times: int | None = None


class StandInHub:
    """Datasets by name, each with its revisions, oldest first: commit to files. `main` is the newest one."""

    def __init__(self, datasets: Mapping[str, Mapping[str, Mapping[str, bytes]]]) -> None:
        self.datasets = {name: dict(revisions) for name, revisions in datasets.items()}
        self.faults: list[Fault] = []
        self.sizes: dict[str, int] = {}
        """Sizes that the list of files tells wrongly."""
        self.requests: list[str] = []
        """`METHOD /path` of each request."""
        self.queries: list[str] = []
        self.authorization: set[str | None] = set()
        self.body_started = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port: connections are refused from then on."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def commit(self, name: str, revision: str) -> str | None:
        """The commit of a revision; None: there is none."""
        revisions = self.datasets[name]
        return list(revisions)[-1] if revision == "main" else revision if revision in revisions else None

    def fault(self, request: str) -> Fault | None:
        """The fault for a request, counted."""
        for fault in self.faults:
            if re.search(fault.pattern, request) and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"
    fault: Fault | None = None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.queries.append(urlsplit(self.path).query)
        request = f"{self.command} {path}"
        self.hub.requests.append(request)
        self.hub.authorization.add(self.headers.get("authorization"))
        self.fault = self.hub.fault(request)
        if self.fault is not None and self.fault.status != 200:
            self._send(self.fault.status, b'{"error":"a fault of the stand-in"}', self.fault.headers)
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+?)(?:/(revision|tree)/([^/]+))?", path):
            self._describe(match[1], match[2], match[3] or "main")
        elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(match[1], match[2], match[3])
        else:
            self._error(404, "RepoNotFound")

    def _describe(self, name: str, what: str | None, revision: str) -> None:
        if name not in self.hub.datasets:
            self._error(401, "RepoNotFound")
        elif (commit := self.hub.commit(name, revision)) is None:
            self._error(404, "RevisionNotFound")
        else:
            files = self.hub.datasets[name][commit]
            tree = [
                {
                    "type": "file",
                    "path": path,
                    "size": self.hub.sizes.get(path, len(data)),
                    "oid": hashlib.sha256(data).hexdigest()[:40],
                }
                for path, data in files.items()
            ]
            info = {"id": name, "sha": commit, "siblings": [{"rfilename": path} for path in files]}
            self._send(200, json.dumps(tree if what == "tree" else info).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, revision: str, path: str) -> None:
        commit = self.hub.commit(name, revision) if name in self.hub.datasets else None
        if commit is None:
            self._error(404, "RevisionNotFound" if name in self.hub.datasets else "RepoNotFound")
        elif path not in self.hub.datasets[name][commit]:
            self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
        else:
            data = self.hub.datasets[name][commit][path]
            headers = {
                "X-Repo-Commit": commit,
                "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                "Accept-Ranges": "bytes",
            }
            begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
            if begin:
                headers["Content-Range"] = f"bytes {begin[1]}-{len(data) - 1}/{len(data)}"
                self._send(206, data[int(begin[1]) :], headers)
            else:
                self._send(200, data, headers)

    def _error(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, b'{"error":"no"}', {"X-Error-Code": code, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        fault = self.fault
        if fault is not None and fault.cut_after is not None:
            self.wfile.write(body[: fault.cut_after])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
        elif fault is not None and fault.stall is not None:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.hub.body_started.set()
            fault.stall.wait(60)
        else:
            self.wfile.write(body)
