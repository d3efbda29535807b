from ratekeep.cache import RateCache
from ratekeep.convert import convert

__all__ = ["RateCache", "convert"]
