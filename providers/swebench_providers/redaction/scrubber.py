"""The scrubber, which masks secrets in any text, and the tokens in use, which it has to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol
from weakref import WeakValueDictionary

from swebench_providers.redaction.key_shapes import mask_keys
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.secret import MASK, Secret


class TokenSource(Protocol):
    """What fetches tokens, such as `auth.strategies.ExpiringAuth`."""

    @property
    def tokens(self) -> Sequence[Secret]:
        """Every token that a server may still quote."""
        ...


_sources: Final[WeakValueDictionary[int, TokenSource]] = WeakValueDictionary()
_sources_lock: Final = threading.Lock()


def register(source: TokenSource) -> None:
    """Add the tokens of `source` to `tokens_in_use` for as long as it exists; again for one registered is free."""
    with _sources_lock:
        _sources[id(source)] = source


def tokens_in_use() -> list[Secret]:
    """The tokens of every registered source of this process."""
    with _sources_lock:
        sources = list(_sources.values())
    return [token for source in sources for token in source.tokens]


class Scrubber:
    """Masks known secrets, and every key of a known shape.

    `secrets` is called for each text: a token that was fetched in the meantime is masked too.
    """

    def __init__(self, secrets: Callable[[], Iterable[Secret]]) -> None:
        self._secrets = secrets

    def scrub(self, text: str) -> str:
        """`text` without them."""
        secrets = sorted(filter(None, self._secrets()), key=_length, reverse=True)
        for secret in secrets:  # whole ones first, the longest first: secrets may hold, or share, parts of each other
            text = text.replace(secret.reveal(), MASK)
        for secret in secrets:
            text = secret.scrub(text)
        return mask_keys(text)

    def scrub_error(self, error: ProviderError) -> None:
        """Mask them in the error's message, hint, code, parameter and request id. A server may have quoted them."""
        error.args = (self.scrub(str(error)),)
        error.hint = self.scrub(error.hint)
        error.code = self.scrub(error.code)
        error.parameter = self.scrub(error.parameter)
        error.request_id = error.request_id and self.scrub(error.request_id)


def _length(secret: Secret) -> int:
    return len(secret.reveal())
