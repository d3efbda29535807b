from decimal import Decimal

import pytest

from tillroll.money import percent, show, to_cents


@pytest.mark.parametrize(("amount", "cents"), [("1.234", "1.23"), ("1.236", "1.24"), ("7", "7.00"), ("-1.236", "-1.24")])
def test_amounts_are_rounded_to_the_nearest_cent(amount, cents):
    assert to_cents(Decimal(amount)) == Decimal(cents)


def test_percent_of_an_amount():
    assert percent(Decimal("19.99"), Decimal(20)) == Decimal("4.00")


def test_thousands_are_set_apart():
    assert show(Decimal("1250.5")) == "1,250.50 EUR"
