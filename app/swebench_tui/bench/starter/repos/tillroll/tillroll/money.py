"""Amounts of money. They are decimals; nothing in here takes a float."""

from decimal import Decimal

CENT = Decimal("0.01")


def to_cents(amount):
    """`amount` in whole cents."""
    return amount.quantize(CENT)


def percent(amount, rate):
    """`rate` percent of `amount`, in whole cents."""
    return to_cents(amount * rate / 100)


def show(amount, currency="EUR"):
    """An amount as it is printed on the roll: `1,250.50 EUR`."""
    return f"{to_cents(amount):,} {currency}"
