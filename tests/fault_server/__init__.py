"""A real HTTP server on loopback that speaks three chat wire formats, and misbehaves on command.

async with FaultServer() as server:
    server.enqueue(failing(429, retry_after="2"), Script("text", ending=Ending.RESET, after=1))
    ...                                          # talk to server.base_url
    await server.requests[0].client_gone(within=0.1)
"""

from tests.fault_server.apart import FaultServerProcess, FaultServerThread
from tests.fault_server.http1 import Request
from tests.fault_server.script import Cut, Ending, Script, UsageSent, failing, html_page, json_body, redirect
from tests.fault_server.server import FaultServer

__all__ = [
    "Cut",
    "Ending",
    "FaultServer",
    "FaultServerProcess",
    "FaultServerThread",
    "Request",
    "Script",
    "UsageSent",
    "failing",
    "html_page",
    "json_body",
    "redirect",
]
