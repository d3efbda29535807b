"""Git over HTTP on loopback: git's own `http-backend` behind a small server that can also misbehave."""

from __future__ import annotations

import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from swebench_tui.bench.repositories.remote import Remote


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below `root`. `requests` has a line for each request, such as `POST git-upload-pack`.

    `redirect_to`: answer every request with a redirect there. `status`: answer with this status. `cut_after`: close a
    connection after so many bytes of a body. `held`: let every POST wait for this event. `first_protocol`: speak no
    later version, in which objects are not given by their ids.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.requests: list[str] = []
        self.received: list[str] = []
        self.redirect_to: str | None = None
        self.status: int | None = None
        self.cut_after: int | None = None
        self.first_protocol = False
        self.held: threading.Event | None = None
        self.reached = threading.Event()

    @property
    def remote(self) -> Remote:
        """The only place that allows http: this server, in tests."""
        return Remote(f"http://127.0.0.1:{self.server_address[1]}/{{repo}}.git", transports=("http",))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        self.server.requests.append(f"{self.command} {path.rpartition('/')[2]}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.received.append((gzip.decompress(body) if packed else body).decode("latin-1"))
        self.server.reached.set()
        if self.server.held is not None and self.command == "POST":
            self.server.held.wait(30)
        if self.server.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", self.server.redirect_to)
            self.end_headers()
            return
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        self._answer(self._backend(path, query, body))

    def _backend(self, path: str, query: str, body: bytes) -> bytes:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": "" if self.server.first_protocol else self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        return subprocess.run(
            ["git", "http-backend"], input=body, env=environment, check=False, capture_output=True
        ).stdout

    def _answer(self, output: bytes) -> None:
        head, _, body = output.partition(b"\r\n\r\n")
        headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
        status = next((int(value[:3]) for name, value in headers if name == "Status"), 200)
        self.send_response(status)
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cut_after is not None and self.command == "POST":
            self.wfile.write(body[: self.server.cut_after])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(body)


@contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """A server that runs for the block."""
    server = GitServer(root)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if server.held is not None:
            server.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
