from datetime import date
from decimal import Decimal

import pytest

from ratekeep import RateCache, convert

PRICES = {"EUR/USD": Decimal("1.08"), "EUR/JPY": Decimal(163), "GBP/USD": Decimal("1.27")}


class Bank:
    """Answers from a table and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, base, quote, day):
        self.asked.append((base, quote, day))
        return PRICES[f"{base}/{quote}"]


@pytest.fixture
def bank():
    return Bank()


@pytest.fixture
def rates(bank):
    return RateCache(bank)


def test_a_rate_is_fetched_once(rates, bank):
    assert rates.rate("EUR", "USD") == rates.rate("EUR", "USD") == Decimal("1.08")
    assert len(bank.asked) == 1


def test_each_day_has_its_rate(rates, bank):
    rates.rate("EUR", "USD", date(2024, 3, 1))
    rates.rate("EUR", "USD", date(2024, 3, 4))
    assert len(bank.asked) == 2


def test_pairs_of_one_day_are_kept_apart(rates):
    assert rates.rate("EUR", "USD", date(2024, 3, 1)) == Decimal("1.08")
    assert rates.rate("EUR", "JPY", date(2024, 3, 1)) == Decimal(163)


def test_the_same_currency_needs_no_rate(rates, bank):
    assert convert(Decimal(5), "EUR", "EUR", rates) == Decimal(5)
    assert bank.asked == []


def test_an_amount_is_converted(rates):
    assert convert(Decimal(10), "EUR", "USD", rates) == Decimal("10.80")
