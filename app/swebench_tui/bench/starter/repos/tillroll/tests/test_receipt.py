from decimal import Decimal

from tillroll import Line, Receipt


def test_the_total_is_net_and_tax_of_all_lines():
    receipt = Receipt(7, [Line("tea", Decimal("4.00")), Line("book", Decimal("10.00"), Decimal(7))])
    assert receipt.total == Decimal("15.50")


def test_a_printed_receipt():
    receipt = Receipt(8, [Line("tea", Decimal("4.00"))])
    receipt.add("scone", Decimal("2.50"), Decimal(10))
    assert str(receipt).splitlines() == ["Receipt 8", "tea: 4.80 EUR", "scone: 2.75 EUR", "Total: 7.55 EUR"]
