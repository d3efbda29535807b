"""Rooms and who has them when."""


class Taken(Exception):
    """The room is booked already on one of the days asked for."""


class Room:
    def __init__(self, name):
        self.name = name
        self._bookings = []

    def book(self, span):
        """Book every day of `span`, or none: raises `Taken` when one of them is gone."""
        for booked in self._bookings:
            if booked.overlaps(span):
                raise Taken(f"{self.name} is booked from {booked.first} to {booked.last}")
        self._bookings.append(span)

    def is_free(self, day):
        return not any(day in booked for booked in self._bookings)
