"""Many values in four numbers."""

from typing import NamedTuple


class Summary(NamedTuple):
    count: int
    lowest: float
    highest: float
    mean: float


def summary(values):
    """Sum up an iterable of numbers; raises `ValueError` when there is none."""
    count = sum(1 for _ in values)
    if not count:
        raise ValueError("no values to sum up")
    return Summary(count, min(values), max(values), sum(values) / count)


def by_meter(readings):
    """The summary of each meter's values, by name."""
    values = {}
    for reading in readings:
        values.setdefault(reading.meter, []).append(reading.value)
    return {meter: summary(values[meter]) for meter in sorted(values)}
