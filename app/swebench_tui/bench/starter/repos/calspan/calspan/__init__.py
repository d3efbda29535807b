from calspan.rooms import Room, Taken
from calspan.spans import Span

__all__ = ["Room", "Span", "Taken"]
