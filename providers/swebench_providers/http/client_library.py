"""httpx and aiohttp, without the command line that httpx brings.

`import httpx` also imports its command `httpx`, and with that click, rich and pygments wherever they are installed, as
they are beside the app: 5 MB and 50 ms of every process that sends a request. httpx does without the command where its
import fails, which None in `sys.modules` makes it do. `import httpx._main` works as ever afterwards.
"""

from __future__ import annotations

import sys
from typing import Final

_COMMAND: Final = "httpx._main"
_COMMAND_LEFT_OUT: Final = _COMMAND not in sys.modules
if _COMMAND_LEFT_OUT:
    sys.modules[_COMMAND] = None  # type: ignore[assignment]  # documented: the import system raises ImportError for it

import aiohttp  # noqa: E402 - after the line above, which is for these imports
import httpx  # noqa: E402
from httpx_aiohttp import AiohttpTransport  # noqa: E402

if _COMMAND_LEFT_OUT:
    del sys.modules[_COMMAND]

__all__ = ["AiohttpTransport", "aiohttp", "httpx"]
