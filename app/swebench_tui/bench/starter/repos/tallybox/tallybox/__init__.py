from tallybox.averages import mean, spread

__all__ = ["mean", "spread"]
