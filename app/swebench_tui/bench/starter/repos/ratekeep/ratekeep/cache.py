"""Rates by pair of currencies and day, each fetched once."""


class RateCache:
    """`fetch(base, quote, day)` gets a rate from wherever rates come from; `day` is None for now."""

    def __init__(self, fetch):
        self._fetch = fetch
        self._rates = {}

    def rate(self, base, quote, day=None):
        """The price of one `base` in `quote`."""
        key = self._key(base, quote, day)
        if key not in self._rates:
            self._rates[key] = self._fetch(base, quote, day)
        return self._rates[key]

    def forget_current(self):
        """Drop the rates of now; those of past days do not change any more."""
        self._rates = {key: rate for key, rate in self._rates.items() if not key.endswith("@now")}

    def _key(self, base, quote, day):
        return base + "/" + quote + "@" + day.isoformat() if day else "now"
