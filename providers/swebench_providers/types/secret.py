"""A key that does not show itself."""

from __future__ import annotations

from typing import final

_MASK = "••••"
_TELLING = 8  # characters; a shorter beginning is the vendor's mark, such as sk-proj-


@final
class Secret:
    """Text that no repr, format, log line, traceback or encoder gives away. Only `reveal()` returns it.

    Equality is by value, so a key read twice is one key. Pickling is refused: it would write the key out.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it where the header is built and nowhere else."""
        return self._value

    def scrub(self, text: str) -> str:
        """`text` with this secret masked, for words that came from outside, such as a server's error.

        Where `text` was cut off in the middle of it, what is left is masked too.
        """
        if not self._value:
            return text
        text = text.replace(self._value, _MASK)
        cut = next((size for size in range(len(self._value), _TELLING, -1) if text.endswith(self._value[:size])), 0)
        return f"{text[:-cut]}{_MASK}" if cut else text

    @property
    def fits_a_header(self) -> bool:
        """Whether HTTP can carry it: no line break, no letter outside ASCII, such as a curly quote copied along."""
        return self._value.isascii() and self._value.isprintable()

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled: the key would leave the process in plain text")
