"""The crates on a shelf and what they need."""


class Shelf:
    def __init__(self):
        self._needs = {}
        self._wanted = set()

    def install(self, name, needs=(), wanted=False):
        """Put a crate on the shelf. A `wanted` one was asked for by name."""
        self._needs[name] = set(needs)
        if wanted:
            self._wanted.add(name)

    def release(self, name):
        """Nobody asks for this crate any more; it stays as long as another one needs it."""
        self._wanted.discard(name)

    def crates(self):
        return sorted(self._needs)

    def users(self, name):
        """The crates on the shelf that need `name`."""
        return sorted(user for user, needs in self._needs.items() if name in needs)

    def prune(self):
        """Remove what nobody asked for and no remaining crate needs. Returns the removed names, sorted."""
        removed = []
        for name in self._needs:
            if name not in self._wanted and not self.users(name):
                del self._needs[name]
                removed.append(name)
        return sorted(removed)
