"""An HTTP server on loopback with three chat wire formats and scripted faults.

async with FaultServer() as server:
    server.enqueue(failing(429, retry_after="2"), Script("text", ending=Ending.RESET, after=1))
    ...                                          # send requests to server.base_url
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
