import pytest

from meterlog import by_meter, read, summary


def test_four_numbers_of_a_list():
    assert summary([2.0, 1.0, 6.0]) == (3, 1.0, 6.0, 3.0)


def test_no_values_are_an_error():
    with pytest.raises(ValueError, match="no values"):
        summary([])


def test_each_meter_by_its_name():
    log = ["2024-03-01T12:00 yard 4", "2024-03-01T12:00 attic 8", "2024-03-01T13:00 yard 6"]
    assert by_meter(read(log)) == {"attic": (1, 8.0, 8.0, 8.0), "yard": (2, 4.0, 6.0, 5.0)}
