"""Counting on the calling thread, for code that counts thousands of pieces in a thread of its own."""

from __future__ import annotations

from swebench_providers.tokens.best import local_counter
from swebench_providers.tokens.counter import TokenCount
from swebench_providers.tokens.encodings import Tokenizer, tokenizer_of
from swebench_providers.tokens.estimate import estimate_factor, estimate_tokens


class BlockingCounter:
    """Counts texts as one model does, without a network: with its own tokenizer where that is here, else an estimate.

    `means` names the method. Counters of equal `means` count alike. Blocks; the first count of a tokenizer takes half a
    second.
    """

    def __init__(self, model: str, tokenizer: Tokenizer | None) -> None:
        """Counters are made by `blocking_counter`."""
        self._model = model
        self._tokenizer = tokenizer
        factor = estimate_factor(model)
        self.exact = tokenizer is not None and tokenizer.certain
        self.means = "estimate from the text" + ("" if factor == 1 else f", times {factor:g} for this model")
        if tokenizer is not None:
            self.means = tokenizer.means

    def __call__(self, text: str) -> int:
        """The tokens of `text`."""
        if self._tokenizer is not None:
            tokens = local_counter().encodings.count(self._tokenizer.encoding, text)
            if tokens is not None:
                return tokens
        return estimate_tokens(text, self._model)

    def count(self, *texts: str) -> TokenCount:
        """The tokens of all `texts` together, labelled."""
        return TokenCount(sum(map(self, texts)), "exact" if self.exact else "estimated", self.means)


def blocking_counter(model: str) -> BlockingCounter:
    """The counter for `model`, by the vendor's name. Blocks: it loads the model's tokenizer where there is one."""
    tokenizer = tokenizer_of(model)
    if tokenizer is not None and local_counter().encodings.count(tokenizer.encoding, "") is None:
        tokenizer = None  # tiktoken or its ranks are missing
    return BlockingCounter(model, tokenizer)
