"""Spans of whole days, as calendars show them: both ends belong to the span."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Span:
    """The days from `first` to `last`."""

    first: date
    last: date

    def __post_init__(self):
        if self.last < self.first:
            raise ValueError(f"a span cannot end ({self.last}) before it begins ({self.first})")

    def __len__(self):
        return (self.last - self.first).days + 1

    def __contains__(self, day):
        return self.first <= day <= self.last

    def __iter__(self):
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def overlaps(self, other):
        """Is there a day that belongs to both spans?"""
        return self.first < other.last and other.first < self.last
