"""`Secret`: an API key or token that no output shows, and that masks itself in the output of others."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final, final
from urllib.parse import quote

MASK: Final = "••••"

_SHORTEST_PREFIX: Final = 9  # characters; what is shorter is the vendor's mark, such as sk-proj-
_SHORTEST_OVERLAP: Final = 16  # characters; long enough that no other text has them in common with a key by chance
_STEP: Final = 9  # any 16 characters in a row hold a block of 8 that begins at a multiple of 9


@final
class Secret:
    """Text that no repr, format, log line, traceback or encoder gives away. Only `reveal()` returns it.

    Equality is by value, so a key read twice is one key. Pickling is refused: it would write the key out.
    """

    __slots__ = ("_encodings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._encodings = ""

    def reveal(self) -> str:
        """The text itself; call it where the header is built and nowhere else."""
        return self._value

    def scrub(self, text: str) -> str:
        """`text` with this secret masked, for text that came from outside, such as a server's error.

        Masked are the whole secret, any 16 characters of it in a row, the same in base64, hexadecimal or percent
        encoding, and the first 9 characters or more at the end, where `text` was cut off in the middle of it.
        """
        if not self._value:
            return text
        text = mask_overlaps(text.replace(self._value, MASK), self._in_all_encodings(), MASK)
        longest = min(len(self._value) - 1, _SHORTEST_OVERLAP - 1)
        cut = next((n for n in range(longest, _SHORTEST_PREFIX - 1, -1) if text.endswith(self._value[:n])), 0)
        return f"{text[:-cut]}{MASK}" if cut else text

    def _in_all_encodings(self) -> str:
        """One text with each encoding of the secret on a line; made with the first use and kept."""
        if not self._encodings:
            self._encodings = "\n".join(dict.fromkeys(_encodings(self._value)))
        return self._encodings

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
        return f"Secret({MASK})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled: the key would leave the process in plain text")


def mask_overlaps(text: str, private: str, mask: str) -> str:
    """`text` with `mask` for whatever it shares with `private`, 16 characters or more in a row."""
    if not any(text[start : start + _STEP - 1] in private for start in range(0, len(text) - _STEP + 2, _STEP)):
        return text
    spans: list[tuple[int, int]] = []
    for start in range(len(text) - _SHORTEST_OVERLAP + 1):
        end = start + _SHORTEST_OVERLAP
        if text[start:end] in private:
            begin = spans.pop()[0] if spans and start <= spans[-1][1] else start
            spans.append((begin, end))
    pieces, kept = list[str](), 0
    for start, end in spans:
        pieces += [text[kept:start], mask]
        kept = end
    return "".join([*pieces, text[kept:]])


def _encodings(value: str) -> Iterator[str]:
    """The value itself, in base64 at each of the three offsets it can have in a longer text, in hex and in a URL."""
    data = value.encode("utf-8", "surrogatepass")
    yield value
    for offset in range(3):
        encoded = b64encode(bytes(offset) + data).decode()
        whole = encoded[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6]  # the characters that the value decides
        yield whole
        yield whole.translate(_URL_SAFE)
    yield data.hex()
    yield data.hex().upper()
    yield quote(data, safe="")


_URL_SAFE: Final = str.maketrans("+/", "-_")
