import time
from datetime import datetime, timezone

import pytest

from meterlog import read
from meterlog.readings import parse_time


@pytest.fixture
def machine_in_tokyo(monkeypatch):
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_line_is_a_reading():
    (reading,) = read(["2024-03-01T12:00:00 kitchen 21.5\n"])
    assert reading == (datetime(2024, 3, 1, 12, tzinfo=timezone.utc), "kitchen", 21.5)


def test_blank_lines_and_comments_are_no_readings():
    assert list(read(["# meter 7\n", "\n", "   \n"])) == []


@pytest.mark.usefixtures("machine_in_tokyo")
def test_a_time_without_offset_is_utc_wherever_the_machine_stands():
    assert parse_time("2024-03-01T12:00:00").isoformat() == "2024-03-01T12:00:00+00:00"


def test_an_offset_of_zero_is_utc():
    assert parse_time("2024-03-01T12:00:00+00:00").isoformat() == "2024-03-01T12:00:00+00:00"
