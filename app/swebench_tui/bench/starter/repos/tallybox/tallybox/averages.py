"""Averages of lists of numbers. An empty list counts as 0.0."""


def mean(values):
    return sum(values) / len(values)


def spread(values):
    return max(values, default=0.0) - min(values, default=0.0)
