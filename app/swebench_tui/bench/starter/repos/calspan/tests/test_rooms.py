from datetime import date

import pytest

from calspan import Room, Span, Taken


def march(first, last):
    return Span(date(2024, 3, first), date(2024, 3, last))


@pytest.fixture
def attic():
    room = Room("Attic")
    room.book(march(11, 14))
    return room


def test_a_booked_room_is_not_free(attic):
    assert not attic.is_free(date(2024, 3, 14))
    assert attic.is_free(date(2024, 3, 15))


def test_the_days_behind_a_booking_can_be_booked(attic):
    attic.book(march(15, 18))
    assert not attic.is_free(date(2024, 3, 15))


def test_a_booking_in_the_middle_of_another_is_refused(attic):
    with pytest.raises(Taken, match="Attic is booked from 2024-03-11 to 2024-03-14"):
        attic.book(march(12, 13))
