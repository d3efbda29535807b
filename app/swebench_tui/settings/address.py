"""What a key is bound to: scheme, host and port of the address it was given for."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_USUAL: Final = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """`https://api.openai.com/v1` as `https://api.openai.com`; a port only where it is not the scheme's own.

    "" for what is no address, which equals no host of a key.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if not host or parts.scheme not in _USUAL:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, _USUAL[parts.scheme]} else "")
