"""Runs an ASGI program, as `asgi_child.py MODULE:NAME DESCRIPTOR`, on a socket that its parent has opened.

It exits when its standard input ends, so that it outlives no test run, however that ended.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn


def end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    application, descriptor = sys.argv[1:]
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
    server.run(sockets=[socket.socket(fileno=int(descriptor))])
