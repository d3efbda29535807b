"""A key that does not show itself."""

from __future__ import annotations

from typing import final

_MASK = "••••"


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
        """`text` with this secret masked, for words that came from outside, such as a server's error."""
        return text.replace(self._value, _MASK) if self._value else text

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
