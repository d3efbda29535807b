from cratelist.shelf import Shelf

__all__ = ["Shelf"]
