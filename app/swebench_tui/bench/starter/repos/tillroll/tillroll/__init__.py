from tillroll.money import show, to_cents
from tillroll.receipt import Line, Receipt

__all__ = ["Line", "Receipt", "show", "to_cents"]
