"""Amounts in one currency to amounts in another."""


def convert(amount, base, quote, rates, day=None):
    """`amount` of `base` in `quote`. An amount stays as it is when both are the same."""
    if base == quote:
        return amount
    return amount * rates.rate(base, quote, day)
