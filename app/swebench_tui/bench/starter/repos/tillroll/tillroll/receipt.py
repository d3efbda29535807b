"""A receipt: its lines, their tax and the total."""

from dataclasses import dataclass
from decimal import Decimal

from tillroll.money import percent, show


@dataclass(frozen=True)
class Line:
    label: str
    net: Decimal
    tax_rate: Decimal = Decimal(20)

    @property
    def tax(self):
        return percent(self.net, self.tax_rate)


class Receipt:
    """What one customer pays. `lines` are on the receipt from the start, more come with `add`."""

    def __init__(self, number, lines=[]):
        self.number = number
        self.lines = lines

    def add(self, label, net, tax_rate=Decimal(20)):
        self.lines.append(Line(label, net, tax_rate))

    @property
    def total(self):
        return sum((line.net + line.tax for line in self.lines), Decimal(0))

    def __str__(self):
        printed = [f"{line.label}: {show(line.net + line.tax)}" for line in self.lines]
        return "\n".join([f"Receipt {self.number}", *printed, f"Total: {show(self.total)}"])
