"""Which pages carry which tag. How a tag is written, in capitals or not, makes no difference."""

import unicodedata


class TagIndex:
    def __init__(self):
        self._pages = {}
        self._names = {}

    def add(self, tag, page):
        """Tag a page. The index keeps the first way of writing a tag as its name."""
        key = _key(tag)
        self._names.setdefault(key, tag.strip())
        self._pages.setdefault(key, set()).add(page)

    def pages(self, tag):
        """The pages with this tag, sorted; none for a tag nobody used."""
        return sorted(self._pages.get(_key(tag), ()))

    def names(self):
        """Every tag once, under its name."""
        return sorted(self._names.values())


def _key(tag):
    words = " ".join(tag.split())
    return unicodedata.normalize("NFC", words).lower()
