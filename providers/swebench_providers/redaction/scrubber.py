"""The scrubber: masks the secrets that one provider's requests carry in whatever comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from swebench_providers.redaction.key_shapes import mask_keys
from swebench_providers.types.errors import ProviderError
from swebench_providers.types.secret import Secret


class Scrubber:
    """Masks known secrets, and every key of a known shape.

    `secrets` is called for each text: a token that was fetched in the meantime is masked too.
    """

    def __init__(self, secrets: Callable[[], Iterable[Secret]]) -> None:
        self._secrets = secrets

    def scrub(self, text: str) -> str:
        """`text` without them."""
        for secret in sorted(self._secrets(), key=_length, reverse=True):  # one secret may be the beginning of another
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
