"""Names that say that their value is secret: of headers, environment variables, URL parameters and settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from swebench_providers.types.secret import Secret

NAME_PARTS: Final = ("key", "token", "secret", "password", "passwd", "credential")
"""Words that make a name secret."""

HEADERS: Final = ("authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie")
"""Headers that carry credentials, in lower case."""

URL_PARAMETERS: Final = ("signature", "sig")
"""Parameters of a query whose value is secret though none of `NAME_PARTS` stands in their name."""

SHORTEST: Final = 8
"""Characters of a value that can be secret; `1` and `true` are not."""

_VARIABLE: Final = rf"(?i)(?:{'|'.join(NAME_PARTS)})S?\d*(?:_|$)"
_MISPLACED: Final = rf"(?i)(?:api[_-]?)?(?:{'|'.join(NAME_PARTS)})s?"
_HEADER_LINE: Final = rf"(?i)^(?:{'|'.join(HEADERS)})\s*:\s*"
_SCHEME: Final = r"(?i)^(?:authorization\s*:\s*)?bearer\s+"


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable is secret: one of the words ends its name, or a part of it before a `_`."""
    return re.search(_VARIABLE, name) is not None


def is_secret_header(name: str) -> bool:
    """Whether a header carries credentials, by its own name or by one of the words in it."""
    return name.lower() in HEADERS or contains_secret_word(name)


def is_secret_setting(name: str) -> bool:
    """Whether a name is that of a key and of nothing else, such as `api_key` or `token`."""
    return re.fullmatch(_MISPLACED, name) is not None


def contains_secret_word(name: str) -> bool:
    """Whether one of the words stands anywhere in `name`."""
    lower = name.lower()
    return any(word in lower for word in NAME_PARTS)


def secrets_of_environment(environ: Mapping[str, str]) -> list[Secret]:
    """The values of all variables whose name is secret."""
    return [Secret(value) for name, value in environ.items() if is_secret_variable(name) and len(value) >= SHORTEST]


def secrets_of_headers(headers: Mapping[str, str]) -> list[Secret]:
    """The values of all headers whose name is secret, without the scheme in front, such as `Bearer`."""
    values = (value.partition(" ")[2] or value for name, value in headers.items() if is_secret_header(name))
    return [Secret(value) for value in values if len(value) >= SHORTEST]


def without_header_name(text: str) -> str:
    """`text` without the name of a secret header and its colon in front."""
    return re.sub(_HEADER_LINE, "", text)


def without_bearer(text: str) -> str:
    """`text` without `Bearer` in front, and without the header's name before that."""
    return re.sub(_SCHEME, "", text)
