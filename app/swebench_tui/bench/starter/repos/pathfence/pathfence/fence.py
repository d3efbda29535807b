"""A fence around one folder. Paths are POSIX text; the disk is never looked at."""

import posixpath


class OutsideError(ValueError):
    """The name leads out of the folder."""


class Fence:
    def __init__(self, root):
        if not posixpath.isabs(root):
            raise ValueError(f"the folder of a fence is an absolute path, not {root!r}")
        self.root = posixpath.normpath(root)

    def resolve(self, name):
        """The absolute path of `name`, seen from the folder. Raises `OutsideError` for one outside of it."""
        path = posixpath.normpath(posixpath.join(self.root, name))
        if not path.startswith(self.root):
            raise OutsideError(f"{name!r} is outside of {self.root}")
        return path

    def inside(self, names):
        """Those of `names` that stay inside, in their order."""
        return [name for name in names if self._holds(name)]

    def _holds(self, name):
        try:
            self.resolve(name)
        except OutsideError:
            return False
        return True
