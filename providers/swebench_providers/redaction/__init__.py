"""Masking of secrets in text: the shapes of API keys, the names of what is secret, and the scrubber that uses both.

Every other module that masks, hides or refuses a key does it through this package. `types.secret.Secret` masks one
known secret; what has to be masked without being known is recognised here, by shape or by name.
"""

from swebench_providers.redaction.key_shapes import (
    is_a_key,
    looks_like_a_key,
    mask_keys,
    mask_suspicious,
    may_be_a_key,
    shape_of,
    without_credentials,
)
from swebench_providers.redaction.scrubber import Scrubber, tokens_in_use
from swebench_providers.redaction.secret_names import (
    contains_secret_word,
    is_secret_setting,
    secrets_of_environment,
    without_bearer,
    without_header_name,
)
from swebench_providers.types.secret import MASK, mask_overlaps

__all__ = [
    "MASK",
    "Scrubber",
    "contains_secret_word",
    "is_a_key",
    "is_secret_setting",
    "looks_like_a_key",
    "mask_keys",
    "mask_overlaps",
    "mask_suspicious",
    "may_be_a_key",
    "secrets_of_environment",
    "shape_of",
    "tokens_in_use",
    "without_bearer",
    "without_credentials",
    "without_header_name",
]
